import type { IncomingHttpHeaders } from 'node:http'
import { userAgent } from '../../version.js'

/** The response headers that the relay uses. No header of an upstream reaches the client unchanged. */
export interface ResponseHead {
  readonly contentType: string
  /** Undefined for a body that is not compressed. */
  readonly contentEncoding: string | undefined
  readonly retryAfterMs: number | undefined
}

/** Longer waits are cut: an upstream that says "tomorrow" is tried again within the hour. */
const MAX_RETRY_AFTER_MS = 3_600_000

const LOWER_CASE = 0x20
const C = 0x63
const D = 0x64
const R = 0x72

/** Reads undici's raw headers. Checks the first letter and the length of a name, so that most names are never decoded. */
export function readHead(raw: readonly Buffer[]): ResponseHead {
  let contentType = ''
  let contentEncoding: string | undefined
  let wait: string | undefined
  let waitMs: string | undefined
  let date: Buffer | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const bytes = raw[i] as Buffer
    const first = (bytes[0] as number) | LOWER_CASE
    const { length } = bytes
    if (first === C ? length !== 12 && length !== 16 : first !== R && first !== D) continue
    const name = text(bytes).toLowerCase()
    if (name === 'content-type') contentType = text(raw[i + 1])
    else if (name === 'content-encoding')
      contentEncoding = text(raw[i + 1])
        .trim()
        .toLowerCase()
    else if (name === 'retry-after') wait ??= text(raw[i + 1])
    else if (name === 'retry-after-ms') waitMs ??= text(raw[i + 1])
    else if (name === 'date') date = raw[i + 1]
  }
  return {
    contentType,
    contentEncoding: contentEncoding === 'identity' || contentEncoding === '' ? undefined : contentEncoding,
    retryAfterMs: wait || waitMs ? readRetryAfter(wait, waitMs, date && text(date)) : undefined,
  }
}

/** The retry-after time in headers that Node has parsed, in ms. */
export function retryAfterIn({
  'retry-after': wait,
  'retry-after-ms': waitMs,
  date,
}: IncomingHttpHeaders): number | undefined {
  return readRetryAfter(wait, typeof waitMs === 'string' ? waitMs : undefined, date)
}

/**
 * The retry-after time in ms: of `retry-after-ms`, else of `retry-after` in seconds or as a date. A date is compared with
 * the response's own `date`, since clocks differ. Invalid values give undefined, the past gives 0.
 */
export function readRetryAfter(
  wait: string | undefined,
  waitMs: string | undefined,
  date: string | undefined,
): number | undefined {
  const exact = readNumber(waitMs)
  if (exact !== undefined) return clamp(exact)
  if (wait === undefined) return undefined
  const seconds = readNumber(wait)
  if (seconds !== undefined) return clamp(seconds * 1000)
  const until = Date.parse(wait)
  if (Number.isNaN(until) || !/[a-z]/i.test(wait)) return undefined
  const since = date === undefined ? Number.NaN : Date.parse(date)
  return clamp(until - (Number.isNaN(since) ? Date.now() : since))
}

function readNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : undefined
}

function clamp(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS)
}

function text(bytes: Buffer | undefined): string {
  return bytes ? bytes.toString('latin1') : ''
}

const NONE: readonly string[] = []

/** Those of the client's headers that go on to the upstream: name, value, name, value. */
export function selectHeaders(headers: IncomingHttpHeaders, names: readonly string[]): readonly string[] {
  let selected: string[] | undefined
  for (const name of names) {
    const value = headers[name]
    if (typeof value !== 'string') continue
    selected ??= []
    selected.push(name, value)
  }
  return selected ?? NONE
}

/**
 * Headers of each request that the relay writes for a provider: name, value, name, value. A form has a content type of its
 * own. Forwarded requests and realtime handshakes drop these headers, and redaction does not treat their values as secrets.
 */
export const commonHeaders: readonly string[] = [
  'content-type',
  'application/json',
  'accept-encoding',
  'identity',
  'user-agent',
  userAgent,
]

const COMMON_NAMES: ReadonlySet<string> = new Set(commonHeaders.filter((_text, at) => at % 2 === 0))

/** Whether a header is one of {@link commonHeaders}. `name`: in lower case. */
export function isCommonHeader(name: string): boolean {
  return COMMON_NAMES.has(name)
}

/** The headers with the provider's key, for a request that the relay does not send itself. */
export function keyHeaders(headers: readonly string[]): Record<string, string> {
  const selected: Record<string, string> = {}
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = String(headers[at]).toLowerCase()
    if (!isCommonHeader(name)) selected[name] = String(headers[at + 1])
  }
  return selected
}
