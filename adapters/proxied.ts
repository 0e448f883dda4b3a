import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** An error's body beyond this is no explanation. */
const LONGEST_FAULT = 64 * 1024

/** Leaves of a client's headers those that may go on: http-proxy-3 sends all that it finds. */
export function leaveOnly(names: ReadonlySet<string>, headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (!names.has(name)) delete headers[name]
}

/** Those of a provider's headers that may come back. */
export function headersOf({ headers }: IncomingMessage, names: readonly string[]): Record<string, string> {
  const own: Record<string, string> = {}
  for (const name of names) if (headers[name] !== undefined) own[name] = String(headers[name])
  return own
}

/** What a provider says of its no, as far as that can be an explanation. The rest is the caller's to destroy, once it has answered: http-proxy-3 takes that for a failure. */
export async function readFault(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > LONGEST_FAULT) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
