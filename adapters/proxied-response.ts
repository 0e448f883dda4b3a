import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** The rest of a longer error body is not read. */
const MAX_ERROR_BYTES = 64 * 1024

/** Deletes all other headers, since http-proxy-3 sends all that it finds. */
export function keepOnly(names: ReadonlySet<string>, headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) if (!names.has(name)) delete headers[name]
}

/** Selects the headers of a provider's response that may reach the client. */
export function selectHeaders({ headers }: IncomingMessage, names: readonly string[]): Record<string, string> {
  const selected: Record<string, string> = {}
  for (const name of names) if (headers[name] !== undefined) selected[name] = String(headers[name])
  return selected
}

/** Reads the body of a provider's error. The caller destroys the response after its own answer: http-proxy-3 would take that for a failure. */
export async function readErrorBody(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > MAX_ERROR_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
