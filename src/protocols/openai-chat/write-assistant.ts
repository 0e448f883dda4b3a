import type { Block, ReasoningBlock, ToolCallBlock } from '../../chat/blocks.js'
import type { Turn } from '../../chat/request.js'
import type { WriteOptions } from '../protocol.js'
import { writeCall } from './calls.js'
import { anySignature, signatureFor, signed } from './google.js'
import { LANGUAGE } from './language.js'
import { writeNative } from './native.js'
import { lostReasoning, writeOwnDetails } from './reasoning.js'

/** What a model said before: one message, or none when nothing of it can be said. */
export function writeAssistant(turn: Turn, writing: WriteOptions): object[] {
  const { losses, issuer, dialect } = writing
  const text = joined(turn.blocks, 'text')
  const refusal = joined(turn.blocks, 'refusal')
  const calls = turn.blocks.filter((block) => block.type === 'tool-call')
  const audio = turn.blocks.find(isAudio)
  for (const block of turn.blocks) if (isUnsayable(block)) losses.noEquivalent(block.at ?? turn.at ?? 'messages')
  if (text === '' && refusal === '' && calls.length === 0 && !audio) return []
  const signature = textSignature(turn.blocks)
  const own = signatureFor(signature, issuer, false)
  const message = {
    role: 'assistant',
    content: text === '' ? null : text,
    name: turn.name,
    refusal: refusal || undefined,
    audio: audio?.value,
    ...writeReasoning(turn.blocks, calls.length > 0, writing),
    tool_calls: calls.length > 0 ? calls.map((call, index) => writeSigned(call, index, writing)) : undefined,
    extra_content: own === undefined ? undefined : signed(own),
    ...writeNative(turn.native),
  }
  return [dialect.expectsPastReasoning && text === '' && calls.length === 0 ? { ...message, content: '' } : message]
}

function joined(blocks: readonly Block[], type: 'text' | 'refusal' | 'reasoning'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function isAudio(block: Block): block is Extract<Block, { type: 'foreign' }> {
  return block.type === 'foreign' && block.protocol === LANGUAGE && block.kind === 'audio'
}

function isUnsayable(block: Block): boolean {
  return block.type === 'media' || block.type === 'tool-result' || (block.type === 'foreign' && !isAudio(block))
}

function textSignature(blocks: readonly Block[]): ReasoningBlock['signature'] {
  const text = blocks.findLast((block) => block.type === 'text' && block.signature !== undefined)
  return text?.type === 'text' ? text.signature : undefined
}

/** Past reasoning goes back where it is asked for, and its proofs to whoever issued them. */
function writeReasoning(blocks: readonly Block[], hasCalls: boolean, { dialect, issuer }: WriteOptions): object {
  const reasoning = blocks.filter((block) => block.type === 'reasoning')
  const text = joined(reasoning, 'reasoning')
  const own = writeOwnDetails(reasoning, issuer)
  if (dialect.expectsPastReasoning === 'details') {
    return { reasoning_details: own ?? (text === '' ? undefined : [{ type: 'reasoning.text', text }]) }
  }
  const echo = dialect.expectsPastReasoning ? text || lostReasoning(dialect, hasCalls) : undefined
  return { reasoning_content: echo, reasoning_details: own }
}

function writeSigned(call: ToolCallBlock, index: number, { issuer, dialect }: WriteOptions): object {
  const needed = dialect.requiresSignatures === true
  const own = signatureFor(call.signature, issuer, needed) ?? (needed && index === 0 ? anySignature : undefined)
  const extra = own === undefined ? undefined : signed(own)
  return { ...writeCall(call), extra_content: extra, ...writeNative(call.native) }
}
