import type { Block, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import type { WriteOptions } from '../../protocol.js'
import { SIGNATURE_PLACEHOLDER, signatureForUpstream, writeGoogleSignature } from '../answer/google-signatures.js'
import { reasoningPlaceholder, writeIssuedDetails } from '../answer/reasoning-details.js'
import { writeToolCall } from '../answer/tool-calls.js'
import { writeNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Writes an assistant turn as one message. Empty where the turn has no content with an equivalent. */
export function writeAssistant(turn: Turn, options: WriteOptions): object[] {
  const { losses, issuer, dialect } = options
  const text = textOf(turn.blocks, 'text')
  const refusal = textOf(turn.blocks, 'refusal')
  const calls = turn.blocks.filter((block) => block.type === 'tool-call')
  const audio = turn.blocks.find(isAudio)
  for (const block of turn.blocks) if (hasNoEquivalent(block)) losses.noEquivalent(block.at ?? turn.at ?? 'messages')
  if (text === '' && refusal === '' && calls.length === 0 && !audio) return []
  const signature = signatureForUpstream(textSignature(turn.blocks), issuer, false)
  const message = {
    role: 'assistant',
    content: text === '' ? null : text,
    name: turn.name,
    refusal: refusal || undefined,
    audio: audio?.value,
    ...writeReasoning(turn.blocks, calls.length > 0, options),
    tool_calls: calls.length > 0 ? calls.map((call, index) => writeSignedCall(call, index, options)) : undefined,
    extra_content: signature === undefined ? undefined : writeGoogleSignature(signature),
    ...writeNative(turn.native),
  }
  return [dialect.expectsPastReasoning && text === '' && calls.length === 0 ? { ...message, content: '' } : message]
}

function textOf(blocks: readonly Block[], type: 'text' | 'refusal' | 'reasoning'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function isAudio(block: Block): block is Extract<Block, { type: 'foreign' }> {
  return block.type === 'foreign' && block.protocol === PROTOCOL_ID && block.kind === 'audio'
}

function hasNoEquivalent(block: Block): boolean {
  return block.type === 'media' || block.type === 'tool-result' || (block.type === 'foreign' && !isAudio(block))
}

function textSignature(blocks: readonly Block[]): ReasoningBlock['signature'] {
  const text = blocks.findLast((block) => block.type === 'text' && block.signature !== undefined)
  return text?.type === 'text' ? text.signature : undefined
}

/** Writes past reasoning where the upstream expects it, and signatures only to the upstream that issued them. */
function writeReasoning(blocks: readonly Block[], hasCalls: boolean, { dialect, issuer }: WriteOptions): object {
  const reasoning = blocks.filter((block) => block.type === 'reasoning')
  const text = textOf(reasoning, 'reasoning')
  const issuedDetails = writeIssuedDetails(reasoning, issuer)
  if (dialect.expectsPastReasoning === 'details') {
    return { reasoning_details: issuedDetails ?? (text === '' ? undefined : [{ type: 'reasoning.text', text }]) }
  }
  const pastReasoning = dialect.expectsPastReasoning ? text || reasoningPlaceholder(dialect, hasCalls) : undefined
  return { reasoning_content: pastReasoning, reasoning_details: issuedDetails }
}

function writeSignedCall(call: ToolCallBlock, index: number, { issuer, dialect }: WriteOptions): object {
  const isRequired = dialect.requiresSignatures === true
  const signature =
    signatureForUpstream(call.signature, issuer, isRequired) ??
    (isRequired && index === 0 ? SIGNATURE_PLACEHOLDER : undefined)
  const extra = signature === undefined ? undefined : writeGoogleSignature(signature)
  return { ...writeToolCall(call), extra_content: extra, ...writeNative(call.native) }
}
