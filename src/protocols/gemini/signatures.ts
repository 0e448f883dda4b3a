import { mayReceive, readSignature, type Signature, wrapSignature } from '../../chat/signatures.js'
import { PROTOCOL_ID } from './traits.js'

/** Replaces a missing signature. Google documents it for calls that Gemini did not make. */
export const SKIP_VALIDATION = 'skip_thought_signature_validator'

/** Values that clients send in place of a signature. */
const PLACEHOLDERS = new Set(['', SKIP_VALIDATION, 'context_engineering_is_the_way_to_go'])

/** Reads the signature of a client's part. */
export function readClientSignature(text: string | undefined): Signature | undefined {
  if (text === undefined || PLACEHOLDERS.has(text)) return undefined
  const signature = readSignature(text, PROTOCOL_ID)
  return signature.value === '' ? undefined : signature
}

/** Reads the signature of an upstream's part. */
export function readUpstreamSignature(value: unknown): Signature | undefined {
  return typeof value === 'string' && value !== '' ? { protocol: PROTOCOL_ID, value } : undefined
}

/** The signature for an upstream. Undefined where another issuer made it. */
export function writeUpstreamSignature(signature: Signature | undefined, issuer: string): string | undefined {
  return signature && mayReceive(signature, PROTOCOL_ID, issuer) ? signature.value : undefined
}

/** Writes a signature as fields of a part for a client. */
export function writeClientSignature(signature: Signature | undefined, issuer: string): { thoughtSignature?: string } {
  return signature && signature.value !== '' ? { thoughtSignature: wrapSignature(signature, issuer) } : {}
}
