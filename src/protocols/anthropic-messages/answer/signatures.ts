import type { ReasoningBlock } from '../../../chat/blocks.js'
import { mayReceive, readSignature, type Signature, unwrapSignature, wrapSignature } from '../../../chat/signatures.js'
import { PROTOCOL_ID } from '../traits.js'

/** The `id` of a signature from `redacted_thinking`, which must go back to Anthropic as such a block. */
const REDACTED = 'redacted_thinking'

/** The signature of reasoning that has none, because clients require one. */
const UNSIGNED: Signature = { protocol: 'none', value: '' }

/** Reads the signature of a `thinking` block. Returns undefined for none, and for the relay's own {@link UNSIGNED}. */
export function readThinkingSignature(value: unknown): Signature | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const signature = readSignature(value, PROTOCOL_ID)
  return signature.protocol === UNSIGNED.protocol ? undefined : signature
}

/** Reads the `data` of a `redacted_thinking` block. */
export function readRedacted(data: string): Signature {
  return unwrapSignature(data) ?? { protocol: PROTOCOL_ID, value: data, id: REDACTED }
}

export function isRedacted(signature: Signature | undefined): boolean {
  return signature?.protocol === PROTOCOL_ID && signature.id === REDACTED
}

/** Writes a signature for a client, together with its issuer. */
export function writeSignature(signature: Signature | undefined, issuer: string): string {
  return wrapSignature(signature ?? UNSIGNED, issuer)
}

/** Writes reasoning for the provider. Returns undefined unless that provider signed it. */
export function writeNativeThinking({ text, signature }: ReasoningBlock, issuer: string): object | undefined {
  if (!signature || !mayReceive(signature, PROTOCOL_ID, issuer)) return undefined
  return isRedacted(signature)
    ? { type: 'redacted_thinking', data: signature.value }
    : { type: 'thinking', thinking: text, signature: signature.value }
}

/** Writes reasoning for a client. */
export function writeThinking({ text, signature }: ReasoningBlock, issuer: string): object {
  const wrapped = writeSignature(signature, issuer)
  return text === '' && isRedacted(signature)
    ? { type: 'redacted_thinking', data: wrapped }
    : { type: 'thinking', thinking: text, signature: wrapped }
}
