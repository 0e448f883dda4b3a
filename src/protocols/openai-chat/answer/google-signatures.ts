import { readSignature, type Signature, wrapSignature } from '../../../chat/signatures.js'
import { isObject } from '../../../lib/values.js'

/** Google's endpoint for Chat Completions has Gemini's signatures in `extra_content.google.thought_signature`. */
const ISSUER_PROTOCOL = 'gemini'

/** Reads the signature in the `extra_content` of a message, delta or tool call. */
export function readGoogleSignature(extra: unknown): Signature | undefined {
  if (!isObject(extra) || !isObject(extra.google)) return undefined
  const { thought_signature: value } = extra.google
  return typeof value === 'string' && value !== '' ? readSignature(value, ISSUER_PROTOCOL) : undefined
}

/** Google accepts this value in place of a signature, for calls that another model made. */
export const SIGNATURE_PLACEHOLDER = 'skip_thought_signature_validator'

/** Writes `extra_content` with a signature as it was issued. */
export function writeGoogleSignature(value: string): object {
  return { google: { thought_signature: value } }
}

/** Writes `extra_content` for clients. Google's signatures stay as issued, which some clients expect; others are wrapped. */
export function writeClientSignature(signature: Signature, issuer: string): object {
  return writeGoogleSignature(
    signature.protocol === ISSUER_PROTOCOL ? signature.value : wrapSignature(signature, issuer),
  )
}

/** The signature to send to an upstream: one that it issued, or, where it requires one, one of an unknown issuer. */
export function signatureForUpstream(
  signature: Signature | undefined,
  issuer: string,
  isRequired: boolean,
): string | undefined {
  if (signature?.protocol !== ISSUER_PROTOCOL || signature.value === '') return undefined
  const mayBeSent = signature.issuer === undefined ? isRequired : signature.issuer === issuer
  return mayBeSent ? signature.value : undefined
}
