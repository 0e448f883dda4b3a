import { mayReceive, readSignature, type Signature, wrapSignature } from '../../chat/signatures.js'
import { ID } from './id.js'

/** What stands for a signature where there is none: Google's own word for a history from elsewhere. */
export const SKIP = 'skip_thought_signature_validator'

/** Words that clients put for a signature they do not have. */
const PLACEHOLDERS = new Set(['', SKIP, 'context_engineering_is_the_way_to_go'])

/** A signature in a caller's part. */
export function readCallers(text: string | undefined): Signature | undefined {
  if (text === undefined || PLACEHOLDERS.has(text)) return undefined
  const signature = readSignature(text, ID)
  return signature.value === '' ? undefined : signature
}

/** A signature in an upstream's part. */
export function readUpstreams(value: unknown): Signature | undefined {
  return typeof value === 'string' && value !== '' ? { protocol: ID, value } : undefined
}

/** What an upstream is to get of it; undefined for what is not its own. */
export function forUpstream(signature: Signature | undefined, issuer: string): string | undefined {
  return signature && mayReceive(signature, ID, issuer) ? signature.value : undefined
}

/** As fields of a part for a caller. */
export function forCaller(signature: Signature | undefined, issuer: string): { thoughtSignature?: string } {
  return signature && signature.value !== '' ? { thoughtSignature: wrapSignature(signature, issuer) } : {}
}
