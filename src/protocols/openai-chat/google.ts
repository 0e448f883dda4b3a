import { readSignature, type Signature, wrapSignature } from '../../chat/signatures.js'
import { isObject } from '../../lib/values.js'

/** Google's own place for its signatures in this language: `extra_content.google.thought_signature`. */
const ISSUER_LANGUAGE = 'gemini'

/** The signature that stands with a message, a delta or a tool call. */
export function readGoogleSignature(extra: unknown): Signature | undefined {
  if (!isObject(extra) || !isObject(extra.google)) return undefined
  const { thought_signature: value } = extra.google
  return typeof value === 'string' && value !== '' ? readSignature(value, ISSUER_LANGUAGE) : undefined
}

/** What Google takes in place of a signature for calls that another model made. */
export const anySignature = 'skip_thought_signature_validator'

/** `extra_content` with a signature for upstreams: as it was issued. */
export function signed(value: string): object {
  return { google: { thought_signature: value } }
}

/** `extra_content` of a tool call for clients: Google's as it was issued, since some of them know it; others carried. */
export function signedCall(signature: Signature, issuer: string): object {
  return signed(signature.protocol === ISSUER_LANGUAGE ? signature.value : wrapSignature(signature, issuer))
}

/** The value that may go to an upstream: one that it issued, or that it must have whoever issued it. */
export function signatureFor(signature: Signature | undefined, issuer: string, needed: boolean): string | undefined {
  if (signature?.protocol !== ISSUER_LANGUAGE || signature.value === '') return undefined
  const fits = signature.issuer === undefined ? needed : signature.issuer === issuer
  return fits ? signature.value : undefined
}
