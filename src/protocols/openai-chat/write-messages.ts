import type { Block, ToolResultBlock } from '../../chat/blocks.js'
import type { Turn } from '../../chat/request.js'
import { RelayError } from '../../errors.js'
import type { WriteOptions } from '../protocol.js'
import { writeNative } from './native.js'
import { writeAssistant } from './write-assistant.js'
import { writePart } from './write-parts.js'

const WRITERS: Readonly<Record<Turn['role'], (turn: Turn, writing: WriteOptions) => object[]>> = {
  system: writeSystem,
  user: writeUser,
  assistant: writeAssistant,
}

/** Turns as messages. @throws {RelayError} for a question of which nothing can be said */
export function writeMessages(turns: readonly Turn[], writing: WriteOptions): object[] {
  return turns.flatMap((turn) => WRITERS[turn.role](turn, writing))
}

function writeSystem(turn: Turn, writing: WriteOptions): object[] {
  const { losses } = writing
  const texts: string[] = []
  for (const block of turn.blocks) {
    if (block.type === 'text') texts.push(block.text)
    else losses.noEquivalent(block.at ?? turn.at ?? 'messages')
  }
  if (texts.length === 0) return []
  // One text: some servers take no list, and this language needs no marks for its cache.
  return [{ role: 'system', content: texts.join('\n\n'), ...rest(turn) }]
}

function rest({ name, native }: Turn): object {
  return { name, ...writeNative(native) }
}

/** Tool results first, each as its own message; then what the user said, and what results held beside text. */
function writeUser(turn: Turn, writing: WriteOptions): object[] {
  const results: object[] = []
  const parts: object[] = []
  for (const block of turn.blocks) {
    if (block.type === 'tool-result') results.push(writeResult(block, parts, writing))
  }
  for (const block of turn.blocks) {
    if (block.type !== 'tool-result') parts.push(...writePart(block, turn, writing))
  }
  if (turn.blocks.length > 0 && results.length + parts.length === 0) throw lost(turn.at ?? 'messages')
  if (parts.length === 0) return results
  return [...results, { role: 'user', content: contentOf(parts, writing), ...rest(turn) }]
}

function lost(at: string): RelayError {
  return new RelayError('invalid_request', `${at}: nothing of it can be said in openai-chat.`, { param: at })
}

/** A single text as itself. Of several, servers of the older kind take one string only. */
function contentOf(parts: readonly object[], { dialect }: WriteOptions): unknown {
  const texts = parts.flatMap((part) => ('text' in part ? [String(part.text)] : []))
  if (texts.length < parts.length || (texts.length > 1 && !dialect.basicFieldsOnly)) return parts
  return texts.join('\n\n')
}

/** The message of one result. This role says text only: images go to `after`, which follows all results. */
function writeResult(result: ToolResultBlock, after: object[], writing: WriteOptions): object {
  const texts: string[] = []
  let kept = 0
  for (const block of result.blocks) {
    if (block.type === 'text') texts.push(block.text)
    else kept += shift(block, result, after, writing)
  }
  if (result.blocks.length > 0 && texts.length + kept === 0) throw lost(result.at ?? 'messages')
  const text = texts.join('\n')
  return { role: 'tool', tool_call_id: result.callId, content: result.failed ? `Error: ${text}` : text }
}

function shift(block: Block, { at }: ToolResultBlock, after: object[], writing: WriteOptions): number {
  const parts = writePart(block, { at }, writing)
  after.push(...parts)
  return parts.length
}
