import { mayReceive, readSignature, type Signature, wrapSignature } from '../../chat/signatures.js'
import { PROTOCOL_ID } from './id.js'

/** What stands for a signature where there is none: Google's own word for a history from elsewhere. */
export const SKIP_VALIDATION = 'skip_thought_signature_validator'

/** Words that clients put for a signature they do not have. */
const PLACEHOLDERS = new Set(['', SKIP_VALIDATION, 'context_engineering_is_the_way_to_go'])

/** A signature in a caller's part. */
export function readClientSignature(text: string | undefined): Signature | undefined {
  if (text === undefined || PLACEHOLDERS.has(text)) return undefined
  const signature = readSignature(text, PROTOCOL_ID)
  return signature.value === '' ? undefined : signature
}

/** A signature in an upstream's part. */
export function readUpstreamSignature(value: unknown): Signature | undefined {
  return typeof value === 'string' && value !== '' ? { protocol: PROTOCOL_ID, value } : undefined
}

/** What an upstream is to get of it; undefined for what is not its own. */
export function writeUpstreamSignature(signature: Signature | undefined, issuer: string): string | undefined {
  return signature && mayReceive(signature, PROTOCOL_ID, issuer) ? signature.value : undefined
}

/** As fields of a part for a caller. */
export function writeClientSignature(signature: Signature | undefined, issuer: string): { thoughtSignature?: string } {
  return signature && signature.value !== '' ? { thoughtSignature: wrapSignature(signature, issuer) } : {}
}
