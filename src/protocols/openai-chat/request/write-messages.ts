import type { Block, ToolResultBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { writeNative } from '../native.js'
import { writeAssistant } from './write-assistant.js'
import { writePart } from './write-parts.js'

const WRITERS: Readonly<Record<Turn['role'], (turn: Turn, options: WriteOptions) => object[]>> = {
  system: writeSystem,
  user: writeUser,
  assistant: writeAssistant,
}

/** Writes turns as messages. @throws {RelayError} for a user turn or tool result without any block that has an equivalent */
export function writeMessages(turns: readonly Turn[], options: WriteOptions): object[] {
  return turns.flatMap((turn) => WRITERS[turn.role](turn, options))
}

function writeSystem(turn: Turn, options: WriteOptions): object[] {
  const { losses } = options
  const texts: string[] = []
  for (const block of turn.blocks) {
    if (block.type === 'text') texts.push(block.text)
    else losses.noEquivalent(block.at ?? turn.at ?? 'messages')
  }
  if (texts.length === 0) return []
  // One string, because some servers refuse a list, and the protocol needs no cache marks on parts.
  return [{ role: 'system', content: texts.join('\n\n'), ...nameAndNative(turn) }]
}

function nameAndNative({ name, native }: Turn): object {
  return { name, ...writeNative(native) }
}

/** Writes each tool result as a message, then one message with the user's parts and the media of tool results. */
function writeUser(turn: Turn, options: WriteOptions): object[] {
  const results: object[] = []
  const parts: object[] = []
  for (const block of turn.blocks) {
    if (block.type === 'tool-result') results.push(writeResult(block, parts, options))
  }
  for (const block of turn.blocks) {
    if (block.type !== 'tool-result') parts.push(...writePart(block, turn, options))
  }
  if (turn.blocks.length > 0 && results.length + parts.length === 0) throw nothingToWrite(turn.at ?? 'messages')
  if (parts.length === 0) return results
  return [...results, { role: 'user', content: contentOf(parts, options), ...nameAndNative(turn) }]
}

function nothingToWrite(at: string): RelayError {
  return new RelayError('invalid_request', `${at}: nothing in it has an equivalent in openai-chat.`, { param: at })
}

/** Writes a single text as a string. Joins several texts for servers that accept only a string. */
function contentOf(parts: readonly object[], { dialect }: WriteOptions): unknown {
  const texts = parts.flatMap((part) => ('text' in part ? [String(part.text)] : []))
  if (texts.length < parts.length || (texts.length > 1 && !dialect.basicFieldsOnly)) return parts
  return texts.join('\n\n')
}

/** Writes one tool result. Its message can hold only text, so media moves to `userParts`, the user message after it. */
function writeResult(result: ToolResultBlock, userParts: object[], options: WriteOptions): object {
  const texts: string[] = []
  let moved = 0
  for (const block of result.blocks) {
    if (block.type === 'text') texts.push(block.text)
    else moved += moveToUserMessage(block, result, userParts, options)
  }
  if (result.blocks.length > 0 && texts.length + moved === 0) throw nothingToWrite(result.at ?? 'messages')
  const text = texts.join('\n')
  return { role: 'tool', tool_call_id: result.callId, content: result.failed ? `Error: ${text}` : text }
}

/** Returns the number of parts moved. */
function moveToUserMessage(block: Block, { at }: ToolResultBlock, userParts: object[], options: WriteOptions): number {
  const parts = writePart(block, { at }, options)
  userParts.push(...parts)
  return parts.length
}
