import type { AttemptLog } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { RelayError } from '../errors.js'
import type { RelayRequest, RelayResponse } from '../http.js'
import { makeRequestId, readRequestId } from '../lib/ids.js'
import { wholeMs } from '../lib/time.js'
import type { Logger } from '../plugins.js'
import { fallbackProtocol } from '../protocols/index.js'
import type { Protocol } from '../protocols/protocol.js'
import type { Reply } from '../upstream/attempt/reply.js'

const STREAM_TYPE = 'text/event-stream; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
/** The official SDKs sleep as long as they are told; beyond this a caller should be asked instead. */
const LONGEST_CLIENT_WAIT_MS = 60_000

/** An upstream's answer. Of its headers only the content type passes. */
export function replyResponse(
  { status, contentType, target, body, losses }: Reply,
  id: string,
  attempts: readonly AttemptLog[],
): RelayResponse {
  const headers: Record<string, string> = {
    'content-type': safe(contentType) || (Buffer.isBuffer(body) ? JSON_TYPE : STREAM_TYPE),
    'x-request-id': id,
  }
  if (target !== '') headers['x-modelmount-target'] = publicTargetName(target)
  if (attempts.length > 0) headers['x-modelmount-attempts'] = spell(attempts)
  if (losses.length > 0) headers['x-modelmount-losses'] = spellLosses(losses)
  if (Buffer.isBuffer(body)) headers['content-length'] = String(body.length)
  else {
    // Compression in front of us would hold the stream back; so would a buffering nginx.
    headers['cache-control'] = 'no-cache, no-transform'
    headers['x-accel-buffering'] = 'no'
  }
  return { status, headers, body }
}

/** An answer of the relay's own making. */
export function jsonResponse(body: Buffer, id: string): RelayResponse {
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE, 'content-length': String(body.length), 'x-request-id': id },
    body,
  }
}

/** An error, in the caller's language. */
export function errorResponse(
  error: RelayError,
  protocol: Protocol,
  id: string,
  attempts: readonly AttemptLog[],
): RelayResponse {
  const body = protocol.writeError(error, id)
  const headers: Record<string, string> = {
    ...safeHeaders(error.headers),
    'content-type': JSON_TYPE,
    'content-length': String(body.length),
    'x-request-id': id,
  }
  if (attempts.length > 0) headers['x-modelmount-attempts'] = spell(attempts)
  if (error.retryAfterMs !== undefined) {
    const waitMs = wholeMs(error.retryAfterMs)
    headers['retry-after'] = String(Math.ceil(waitMs / 1000))
    headers['retry-after-ms'] = String(waitMs)
  }
  // A client's own retries would multiply with ours, or let its user wait in silence.
  const tried = attempts.length > 1 && error.status >= 500
  if (tried || (error.retryAfterMs ?? 0) > LONGEST_CLIENT_WAIT_MS) headers['x-should-retry'] = 'false'
  return { status: protocol.statusOf(error), headers, body }
}

/** The same answer, with what has been told besides. */
export function withHeaders(response: RelayResponse, told: Readonly<Record<string, string>>): RelayResponse {
  Object.assign(response.headers, told)
  return response
}

/** An error fit to be told. One that is not our own is a bug or the host's trouble: its text stays here. */
export function toCallerError(error: unknown, logger: Logger, requestId: string): RelayError {
  if (error instanceof RelayError) return error
  logger.error({ requestId, error }, 'a request failed unexpectedly')
  return new RelayError('internal', 'The relay failed to handle this request.')
}

/** For a relay that has the path to itself, or was asked by name: there is nothing here. */
export function answerUnknownPath({
  method,
  url,
  headers,
}: Pick<RelayRequest, 'method' | 'url' | 'headers'>): RelayResponse {
  const path = url.split('?', 1)[0]?.slice(0, 200)
  const error = new RelayError('unknown_path', `Invalid URL (${method} ${path})`)
  return errorResponse(error, fallbackProtocol, readRequestId(headers['x-request-id']) ?? makeRequestId(), [])
}

function spell(attempts: readonly AttemptLog[]): string {
  let text = ''
  for (const { target, status } of attempts) text += `${text && ', '}${publicTargetName(target)} ${status}`
  return text
}

/** Whose account a model belongs to, where an ARN names it. */
const ACCOUNT = /(\barn:[\w-]*:[\w-]*:[\w-]*:)(\d+)/g

/** A target's name as callers may know it: the whole of it is in logs and usage records. */
export function publicTargetName(target: string): string {
  return safe(target).replace(ACCOUNT, (_arn, before: string, account: string) => before + '*'.repeat(account.length))
}

/** More than this is in the usage record only. */
const LONGEST_LOSSES = 2000

/** `messages[2].content[1]: has no equivalent in …; temperature: …` */
function spellLosses(losses: readonly Loss[]): string {
  const text = losses.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  return safe(text.length > LONGEST_LOSSES ? `${text.slice(0, LONGEST_LOSSES)}…` : text)
}

/** A header value that may be sent: names come from callers and upstreams, and may hold anything. */
function safe(value: string): string {
  // By way of bytes, since `encodeURI` throws at half a surrogate pair.
  return /^[\t\x20-\x7e]*$/.test(value) ? value : encodeURI(Buffer.from(value).toString())
}

/** What the host's own code wants said with an error. */
function safeHeaders(headers: Record<string, string> = {}): Record<string, string> {
  const named = Object.entries(headers).filter(([name]) => /^[\w-]+$/.test(name))
  return Object.fromEntries(named.map(([name, value]) => [name.toLowerCase(), safe(String(value))]))
}
