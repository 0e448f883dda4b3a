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
/** The official SDKs wait as long as `retry-after` says. For longer waits, the relay tells them not to retry. */
const MAX_CLIENT_WAIT_MS = 60_000

/** The response for an upstream's answer. Of the upstream's headers, only the content type goes to the client. */
export function replyResponse(
  { status, contentType, target, body, losses }: Reply,
  id: string,
  attempts: readonly AttemptLog[],
): RelayResponse {
  const headers: Record<string, string> = {
    'content-type': headerValue(contentType) || (Buffer.isBuffer(body) ? JSON_TYPE : STREAM_TYPE),
    'x-request-id': id,
  }
  if (target !== '') headers['x-modelmount-target'] = publicTargetName(target)
  if (attempts.length > 0) headers['x-modelmount-attempts'] = writeAttempts(attempts)
  if (losses.length > 0) headers['x-modelmount-losses'] = writeLosses(losses)
  if (Buffer.isBuffer(body)) headers['content-length'] = String(body.length)
  else {
    // Keeps proxies in front of the relay from delaying the stream, by compression or by nginx's buffering.
    headers['cache-control'] = 'no-cache, no-transform'
    headers['x-accel-buffering'] = 'no'
  }
  return { status, headers, body }
}

/** The response for an answer that the relay itself writes. */
export function jsonResponse(body: Buffer, id: string): RelayResponse {
  return {
    status: 200,
    headers: { 'content-type': JSON_TYPE, 'content-length': String(body.length), 'x-request-id': id },
    body,
  }
}

/** The response for an error, in the caller's protocol. */
export function errorResponse(
  error: RelayError,
  protocol: Protocol,
  id: string,
  attempts: readonly AttemptLog[],
): RelayResponse {
  const body = protocol.writeError(error, id)
  const headers: Record<string, string> = {
    ...validHeaders(error.headers),
    'content-type': JSON_TYPE,
    'content-length': String(body.length),
    'x-request-id': id,
  }
  if (attempts.length > 0) headers['x-modelmount-attempts'] = writeAttempts(attempts)
  if (error.retryAfterMs !== undefined) {
    const waitMs = wholeMs(error.retryAfterMs)
    headers['retry-after'] = String(Math.ceil(waitMs / 1000))
    headers['retry-after-ms'] = String(waitMs)
  }
  // The relay has retried already, so retries of the client would multiply the attempts.
  const hasRetried = attempts.length > 1 && error.status >= 500
  if (hasRetried || (error.retryAfterMs ?? 0) > MAX_CLIENT_WAIT_MS) headers['x-should-retry'] = 'false'
  return { status: protocol.statusOf(error), headers, body }
}

/** Adds headers to a response, and returns it. */
export function withHeaders(response: RelayResponse, headers: Readonly<Record<string, string>>): RelayResponse {
  Object.assign(response.headers, headers)
  return response
}

/**
 * The error that the caller may see. Any other error than a `RelayError` comes from a bug or from the host's code. The
 * relay logs it, and tells the caller only that the request has failed.
 */
export function toCallerError(error: unknown, logger: Logger, requestId: string): RelayError {
  if (error instanceof RelayError) return error
  logger.error({ requestId, error }, 'a request failed unexpectedly')
  return new RelayError('internal', 'The relay failed to handle this request.')
}

/** The response for a path that the relay does not have. */
export function answerUnknownPath({
  method,
  url,
  headers,
}: Pick<RelayRequest, 'method' | 'url' | 'headers'>): RelayResponse {
  const path = url.split('?', 1)[0]?.slice(0, 200)
  const error = new RelayError('unknown_path', `Invalid URL (${method} ${path})`)
  return errorResponse(error, fallbackProtocol, readRequestId(headers['x-request-id']) ?? makeRequestId(), [])
}

/** `provider/model 429, provider/model 200` */
function writeAttempts(attempts: readonly AttemptLog[]): string {
  let text = ''
  for (const { target, status } of attempts) text += `${text && ', '}${publicTargetName(target)} ${status}`
  return text
}

/** The account number in an ARN, and what is before it. */
const ARN_ACCOUNT = /(\barn:[\w-]*:[\w-]*:[\w-]*:)(\d+)/g

/** A target's name as a header value. Masks the account number of an ARN, which only logs and usage records have. */
export function publicTargetName(target: string): string {
  const value = headerValue(target)
  if (!value.includes('arn:')) return value
  return value.replace(ARN_ACCOUNT, (_arn, before: string, account: string) => before + '*'.repeat(account.length))
}

/** In characters. The usage record has all losses. */
const MAX_LOSSES_LENGTH = 2000

/** `messages[2].content[1]: has no equivalent in …; temperature: …` */
function writeLosses(losses: readonly Loss[]): string {
  const text = losses.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  return headerValue(text.length > MAX_LOSSES_LENGTH ? `${text.slice(0, MAX_LOSSES_LENGTH)}…` : text)
}

/** A valid header value: percent-encoded unless it is printable ASCII. */
function headerValue(value: string): string {
  // Replaces lone surrogates by a round trip through UTF-8, because `encodeURI` throws on them.
  return /^[\t\x20-\x7e]*$/.test(value) ? value : encodeURI(Buffer.from(value).toString())
}

/** Valid headers of an error, which the host's code may have set. Leaves out headers with an invalid name. */
function validHeaders(headers: Record<string, string> = {}): Record<string, string> {
  const valid = Object.entries(headers).filter(([name]) => /^[\w-]+$/.test(name))
  return Object.fromEntries(valid.map(([name, value]) => [name.toLowerCase(), headerValue(String(value))]))
}
