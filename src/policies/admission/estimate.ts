import type { Call } from '../../call.js'
import { isMultipart } from '../../lib/multipart.js'

/** Of JSON text in most languages and tokenizers. */
const BYTES_PER_TOKEN = 4
/** Shorter bodies hold no file. */
const SMALL = 16 * 1024
/** So many places of a long body are looked at. */
const SAMPLES = 128
const SAMPLE_BYTES = 64
/** What one file that is sent along is taken to come to. */
const TOKENS_PER_FILE = 1000
/** No model writes more. */
const MOST_OUTPUT = 10_000_000

/** What a call is taken to come to, in tokens, until the truth is known. */
export interface Estimate {
  readonly input: number
  readonly output: number
}

/** `assumed`: the output of a call whose caller sets no cap. */
export function estimate(call: Call, assumed: number): Estimate {
  const { facts } = call
  const output = Math.min(Math.ceil(facts.maxOutputTokens ?? assumed), MOST_OUTPUT)
  // Callers choose both factors: no sum of money may come to be what is no number.
  return { input: inputOf(call), output: Math.min(output * facts.choices, Number.MAX_SAFE_INTEGER) }
}

/** Tokens of what a call asks, and of what was said before it. */
export function inputOf({ form, body, facts }: Pick<Call, 'form' | 'body' | 'facts'>): number {
  return (form ? TOKENS_PER_FILE : estimateInput(body)) + (facts.contextTokens ?? 0)
}

/** Tokens of a request's body. Files within it, in Base64, do not count by their length: models see pictures, not letters. */
export function estimateInput(body: Buffer): number {
  if (isMultipart(body)) return TOKENS_PER_FILE
  if (body.length <= SMALL) return Math.ceil(body.length / BYTES_PER_TOKEN)
  let encoded = 0
  const step = Math.floor((body.length - SAMPLE_BYTES) / SAMPLES)
  for (let sample = 0; sample < SAMPLES; sample++) if (isEncoded(body, sample * step)) encoded++
  const text = body.length * (1 - encoded / SAMPLES)
  return Math.ceil(text / BYTES_PER_TOKEN) + (encoded > 0 ? TOKENS_PER_FILE : 0)
}

/**
 * Whether a stretch of bytes is Base64: nothing but its letters, and of all its kinds. No stretch of text is so long
 * without a blank, and no run of letters holds capitals and digits besides.
 */
function isEncoded(body: Buffer, start: number): boolean {
  let [hasSmall, hasCapital, hasDigit] = [false, false, false]
  for (let at = start; at < start + SAMPLE_BYTES; at++) {
    const byte = body[at] as number
    const isSmall = byte >= 0x61 && byte <= 0x7a
    const isCapital = byte >= 0x41 && byte <= 0x5a
    const isDigit = byte >= 0x30 && byte <= 0x39
    const isSign = byte === 0x2b || byte === 0x2f || byte === 0x5f || byte === 0x2d
    if (!isSmall && !isCapital && !isDigit && !isSign) return false
    hasSmall ||= isSmall
    hasCapital ||= isCapital
    hasDigit ||= isDigit
  }
  return hasSmall && hasCapital && hasDigit
}
