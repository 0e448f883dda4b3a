/**
 * An opaque value that a provider issues with reasoning and expects back: Anthropic's thinking signature, OpenAI's
 * `encrypted_content`, Gemini's `thoughtSignature`. Only the model that issued it accepts it.
 */
export interface Signature {
  /** The protocol in which it was issued. */
  readonly protocol: string
  /** Empty for reasoning without a signature, which goes to no upstream. */
  readonly value: string
  /** The signature tag of the issuing target; undefined where a client sent the provider's value directly. */
  readonly issuer?: string | undefined
  /** Id of the item that held it, where the protocol has ids. */
  readonly id?: string | undefined
}

/** Base64 of `modelmount1:`. Twelve bytes, so that what follows does not change these characters. */
export const MARK = 'bW9kZWxtb3VudDE6'

/**
 * Wraps a signature for a client of another protocol, together with its issuer. The result is Base64, since some clients
 * check that.
 */
export function wrapSignature({ protocol, value, id = '' }: Signature, issuer: string): string {
  return MARK + Buffer.from(`${[issuer, protocol, id].map(encode).join(':')}:${value}`).toString('base64')
}

/** Goes to no upstream. */
const DAMAGED: Signature = { protocol: 'none', value: '' }

/** Unwraps what {@link wrapSignature} made; a damaged one becomes a signature that goes nowhere. Undefined for any other text. */
export function unwrapSignature(text: string): Signature | undefined {
  if (!text.startsWith(MARK)) return undefined
  const [, issuer, protocol, id, value] =
    /^([^:]*):([^:]*):([^:]*):(.*)$/s.exec(Buffer.from(text.slice(MARK.length), 'base64').toString()) ?? []
  if (issuer === undefined || !protocol || value === undefined) return DAMAGED
  return { issuer: decode(issuer), protocol: decode(protocol), id: decode(id ?? '') || undefined, value }
}

const MARK_BYTES = Buffer.from(MARK)

/** A JSON string that starts with the mark and continues without a space, as no text does. */
const WRAPPED = new RegExp(`"${MARK}[^"\\s]`)

/** Whether a request holds a wrapped signature, intact or damaged. The mark within other text does not count. */
export function holdsWrappedSignature(body: Buffer): boolean {
  return body.includes(MARK_BYTES) && WRAPPED.test(body.toString('latin1'))
}

/** Reads a signature from where `protocol` has its own: the provider's value, or a wrapped one. */
export function readSignature(text: string, protocol: string): Signature {
  return unwrapSignature(text) ?? { protocol, value: text }
}

/** Whether a signature may go to a target: to its issuer only or, where that is unknown, to any target of its protocol. */
export function mayReceive(signature: Signature, protocol: string, issuer: string): boolean {
  if (signature.protocol !== protocol || signature.value === '') return false
  return signature.issuer === undefined || signature.issuer === issuer
}

/** Encodes via bytes, since an upstream's id may hold a lone surrogate. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString())
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
