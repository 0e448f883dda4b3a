/**
 * An opaque proof that a provider gives with its reasoning and wants back: a thinking signature, `encrypted_content`,
 * a `thoughtSignature`. It is worth something only to the model that issued it.
 */
export interface Signature {
  /** The language in which it was issued. */
  readonly protocol: string
  /** As it was issued. Empty for reasoning that came without one: it goes back to nobody. */
  readonly value: string
  /** The tag of the target that issued it; undefined when a client brought it as the provider wrote it. */
  readonly issuer?: string | undefined
  /** The id of the item it came in, where the language gives one. */
  readonly id?: string | undefined
}

/** Base64 of `modelmount1:`; twelve bytes, so that whatever follows leaves its spelling alone. */
export const MARK = 'bW9kZWxtb3VudDE6'

/**
 * A signature on its way through a client that speaks another language: base64, since some of them check that. What it
 * was issued by travels with it.
 */
export function carry({ protocol, value, id = '' }: Signature, issuer: string): string {
  return MARK + Buffer.from(`${[issuer, protocol, id].map(encode).join(':')}:${value}`).toString('base64')
}

/** It goes back to nobody. */
const SPOILT: Signature = { protocol: 'none', value: '' }

/** What {@link carry} made; of what has been spoilt on the way nobody's signature. Undefined for anything else. */
export function uncarry(text: string): Signature | undefined {
  if (!text.startsWith(MARK)) return undefined
  const [, issuer, protocol, id, value] =
    /^([^:]*):([^:]*):([^:]*):(.*)$/s.exec(Buffer.from(text.slice(MARK.length), 'base64').toString()) ?? []
  if (issuer === undefined || !protocol || value === undefined) return SPOILT
  return { issuer: decode(issuer), protocol: decode(protocol), id: decode(id ?? '') || undefined, value }
}

/** A JSON string that begins with the mark and goes on without a space: no words of anybody's. */
const CARRIED = new RegExp(`"${MARK}[^"\\s]`)

/** Whether a request brings back what {@link carry} made, whole or spoilt. The mark within a text means nothing. */
export function bringsCarried(body: Buffer): boolean {
  return body.includes(MARK) && CARRIED.test(body.toString('latin1'))
}

/** A signature that a client brought in the place where `protocol` has its own: as issued, or carried. */
export function readSignature(text: string, protocol: string): Signature {
  return uncarry(text) ?? { protocol, value: text }
}

/** Whether a signature may go to a target: only to its issuer, or, if that is not known, to those who speak its language. */
export function isMeantFor(signature: Signature, protocol: string, issuer: string): boolean {
  if (signature.protocol !== protocol || signature.value === '') return false
  return signature.issuer === undefined || signature.issuer === issuer
}

/** By way of bytes, since an upstream's id may hold half a surrogate pair. */
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
