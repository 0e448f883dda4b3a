import type { ReasoningBlock } from '../../../chat/blocks.js'
import { mayReceive, readSignature, type Signature, unwrapSignature, wrapSignature } from '../../../chat/signatures.js'
import { PROTOCOL_ID } from '../traits.js'

/** The `id` of a signature that came as `redacted_thinking`: it goes back as it came, whatever client carried it. */
const REDACTED = 'redacted_thinking'

/** For reasoning that came without a signature: clients want one. */
const UNSIGNED: Signature = { protocol: 'none', value: '' }

/** Reads the signature of a `thinking` block. Returns undefined for none, and for the relay's placeholder. */
export function readThinkingSignature(value: unknown): Signature | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  const signature = readSignature(value, PROTOCOL_ID)
  return signature.protocol === UNSIGNED.protocol ? undefined : signature
}

/** The `data` of a `redacted_thinking` block. */
export function readRedacted(data: string): Signature {
  return unwrapSignature(data) ?? { protocol: PROTOCOL_ID, value: data, id: REDACTED }
}

export function isRedacted(signature: Signature | undefined): boolean {
  return signature?.protocol === PROTOCOL_ID && signature.id === REDACTED
}

/** As a client gets it. */
export function carrySignature(signature: Signature | undefined, issuer: string): string {
  return wrapSignature(signature ?? UNSIGNED, issuer)
}

/** Reasoning for its provider; undefined unless it is signed by that one. */
export function writeOwnThinking({ text, signature }: ReasoningBlock, issuer: string): object | undefined {
  if (!signature || !mayReceive(signature, PROTOCOL_ID, issuer)) return undefined
  return isRedacted(signature)
    ? { type: 'redacted_thinking', data: signature.value }
    : { type: 'thinking', thinking: text, signature: signature.value }
}

/** Reasoning for a client. */
export function writeThinking({ text, signature }: ReasoningBlock, issuer: string): object {
  const carried = carrySignature(signature, issuer)
  return text === '' && isRedacted(signature)
    ? { type: 'redacted_thinking', data: carried }
    : { type: 'thinking', thinking: text, signature: carried }
}
