import type { IncomingHttpHeaders } from 'node:http'

/** The few answer headers that the relay acts on. None of an upstream's headers is passed on as it is. */
export interface Head {
  readonly contentType: string
  /** Undefined when the body is as it reads. */
  readonly contentEncoding: string | undefined
  readonly retryAfterMs: number | undefined
}

/** Longer waits than this are not believed: an upstream that says "tomorrow" is asked again within the hour. */
const LONGEST_WAIT_MS = 3_600_000

/** Reads raw headers as undici hands them over. Names are told apart by length first: most are never decoded. */
export function readHead(raw: readonly Buffer[]): Head {
  let contentType = ''
  let contentEncoding: string | undefined
  let wait: string | undefined
  let waitMs: string | undefined
  let date: string | undefined
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const length = raw[i]?.length
    if (length !== 12 && length !== 14 && length !== 16 && length !== 11 && length !== 4) continue
    const name = text(raw[i]).toLowerCase()
    if (name === 'content-type') contentType = text(raw[i + 1])
    else if (name === 'content-encoding')
      contentEncoding = text(raw[i + 1])
        .trim()
        .toLowerCase()
    else if (name === 'retry-after') wait ??= text(raw[i + 1])
    else if (name === 'retry-after-ms') waitMs ??= text(raw[i + 1])
    else if (name === 'date') date = text(raw[i + 1])
  }
  return {
    contentType,
    contentEncoding: contentEncoding === 'identity' || contentEncoding === '' ? undefined : contentEncoding,
    retryAfterMs: readWait(wait, waitMs, date),
  }
}

/** How long an answer wants to be left alone, by Node's own reading of its headers. */
export function waitOf({
  'retry-after': wait,
  'retry-after-ms': waitMs,
  date,
}: IncomingHttpHeaders): number | undefined {
  return readWait(wait, typeof waitMs === 'string' ? waitMs : undefined, date)
}

/**
 * `retry-after-ms`, else `retry-after` in seconds or as a date, which is measured against the answer's own `date` since
 * clocks differ. Nonsense is undefined; the past is 0.
 */
export function readWait(
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
  return Math.min(Math.max(ms, 0), LONGEST_WAIT_MS)
}

function text(bytes: Buffer | undefined): string {
  return bytes ? bytes.toString('latin1') : ''
}

const NONE: readonly string[] = []

/** Those of a caller's headers that go on with its request, as name, value, name, value. */
export function passedOn(headers: IncomingHttpHeaders, names: readonly string[]): readonly string[] {
  let passed: string[] | undefined
  for (const name of names) {
    const value = headers[name]
    if (typeof value !== 'string') continue
    passed ??= []
    passed.push(name, value)
  }
  return passed ?? NONE
}

/** What every request to a provider has, whoever it is from: the business of whoever sends it. */
const COMMON = new Set(['content-type', 'accept-encoding', 'user-agent'])

/** Of a request's headers those that are the provider's key, for a request that the relay does not send itself. */
export function keyHeaders(headers: readonly string[]): Record<string, string> {
  const own: Record<string, string> = {}
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = String(headers[at]).toLowerCase()
    if (!COMMON.has(name)) own[name] = String(headers[at + 1])
  }
  return own
}
