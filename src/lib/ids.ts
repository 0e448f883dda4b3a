import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

let callCount = 0

/** Creates an id for one call, for `x-request-id`: a random prefix of the process and a counter. A UUID costs ten times as much. */
export function makeRequestId(): string {
  callCount++
  return PROCESS_PREFIX + callCount.toString(36)
}

/** Returns the client's own id for a call if it is safe in a header and a log, else undefined. */
export function readRequestId(given: string | string[] | undefined): string | undefined {
  return typeof given === 'string' && /^[\w.-]{1,128}$/.test(given) ? given : undefined
}

/** Returns `length` letters and digits from the system's random source, each equally likely. */
export function randomText(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte. Larger bytes would favor the first characters.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % ALPHABET.length]
    }
  }
  return text
}

const PROCESS_PREFIX = `req_${randomText(16)}_`
