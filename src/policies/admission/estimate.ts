import type { Call } from '../../call.js'
import { isMultipart } from '../../lib/multipart.js'

/** Typical for JSON text in most languages and tokenizers. */
const BYTES_PER_TOKEN = 4
/** Shorter bodies hold no files. */
const MAX_TEXT_BYTES = 16 * 1024
/** Number and length of the samples of a long body. */
const SAMPLES = 128
const SAMPLE_BYTES = 64
/** Estimate for one file in a request. */
const TOKENS_PER_FILE = 1000
/** More than any model writes. */
const MAX_OUTPUT_TOKENS = 10_000_000

/** Expected tokens of a call, until the actual usage is known. */
export interface Estimate {
  readonly input: number
  readonly output: number
}

/** Estimates a call. `assumedOutput`: output tokens of a call without a cap. */
export function estimate(call: Call, assumedOutput: number): Estimate {
  const { facts } = call
  const output = Math.min(Math.ceil(facts.maxOutputTokens ?? assumedOutput), MAX_OUTPUT_TOKENS)
  // Callers choose both factors: the product must stay a safe integer, since it becomes an amount of money.
  return { input: inputOf(call), output: Math.min(output * facts.choices, Number.MAX_SAFE_INTEGER) }
}

/** Estimated input tokens: of the request, and of the session before it. */
export function inputOf({ form, body, facts }: Pick<Call, 'form' | 'body' | 'facts'>): number {
  return (form ? TOKENS_PER_FILE : estimateInput(body)) + (facts.contextTokens ?? 0)
}

/** Estimated tokens of a body. Base64 data counts as a file, not by its length: models see images, not characters. */
export function estimateInput(body: Buffer): number {
  if (isMultipart(body)) return TOKENS_PER_FILE
  if (body.length <= MAX_TEXT_BYTES) return Math.ceil(body.length / BYTES_PER_TOKEN)
  let base64Samples = 0
  const step = Math.floor((body.length - SAMPLE_BYTES) / SAMPLES)
  for (let sample = 0; sample < SAMPLES; sample++) if (isBase64(body, sample * step)) base64Samples++
  const text = body.length * (1 - base64Samples / SAMPLES)
  return Math.ceil(text / BYTES_PER_TOKEN) + (base64Samples > 0 ? TOKENS_PER_FILE : 0)
}

/**
 * Whether a sample is Base64: only its characters, and lower case, upper case and digits among them. Text of this length
 * nearly always holds a space, and a long identifier seldom mixes all three kinds.
 */
function isBase64(body: Buffer, start: number): boolean {
  let hasLower = false
  let hasUpper = false
  let hasDigit = false
  for (let at = start; at < start + SAMPLE_BYTES; at++) {
    const byte = body[at] as number
    const isLower = byte >= 0x61 && byte <= 0x7a
    const isUpper = byte >= 0x41 && byte <= 0x5a
    const isDigit = byte >= 0x30 && byte <= 0x39
    const isSymbol = byte === 0x2b || byte === 0x2f || byte === 0x5f || byte === 0x2d
    if (!isLower && !isUpper && !isDigit && !isSymbol) return false
    hasLower ||= isLower
    hasUpper ||= isUpper
    hasDigit ||= isDigit
  }
  return hasLower && hasUpper && hasDigit
}
