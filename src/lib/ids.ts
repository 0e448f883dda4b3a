import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

let callCount = 0

/** An id for one call, as it stands in `x-request-id`: random by process, counted within. (A UUID each costs ten times as much.) */
export function makeRequestId(): string {
  callCount++
  return PROCESS_PREFIX + callCount.toString(36)
}

/** The client's own id for a call, if it is fit to be repeated in a header and a log. */
export function readRequestId(given: string | string[] | undefined): string | undefined {
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : undefined
}

/** So many letters and digits from the system's own randomness, each equally likely. */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: above it, letters at the front would come more often.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
}

const PROCESS_PREFIX = `req_${randomText(16)}_`
