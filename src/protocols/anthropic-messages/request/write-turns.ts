import type { Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { PROTOCOL_ID } from '../traits.js'
import { pairResults } from './pair-tool-results.js'
import { isBlank, type Message, type Role, type WrittenBlock, writeBlock, writeText } from './write-blocks.js'

/**
 * Writes the turns of user and assistant as alternating messages, without system text. A conversation of only system
 * text becomes a user message. @throws {RelayError} 400 for a user turn without content that can be sent
 */
export function writeTurns(turns: readonly Turn[], options: WriteOptions): Message[] {
  const conversation = turns.filter(({ role }) => role !== 'system')
  const sent = conversation.length > 0 ? conversation : turns.map((turn): Turn => ({ ...turn, role: 'user' }))
  const messages = sent.flatMap((turn, index) => {
    const role = turn.role === 'assistant' ? 'assistant' : 'user'
    const blocks = writeTurn(turn, role, options)
    if (blocks.length === 0 && role === 'user') requireContent(turn, index === sent.length - 1)
    return blocks.length > 0 ? [{ role, blocks } as const] : []
  })
  // Dropping a message of only reasoning leaves two messages of one role next to each other.
  const merged = merge(merge(messages).flatMap(dropTrailingReasoning))
  return pairResults(merged).map(putResultsFirst).map(trimLastText)
}

/** Merges consecutive messages of one role. */
function merge(messages: readonly Message[]): Message[] {
  const merged: { role: Role; blocks: WrittenBlock[] }[] = []
  for (const { role, blocks } of messages) {
    const last = merged.at(-1)
    if (last?.role !== role) merged.push({ role, blocks: [...blocks] })
    else for (const block of blocks) last.blocks.push(block)
  }
  return merged
}

/** Whether a conversation has only system text, which then becomes a user message. */
export function isSystemOnly(turns: readonly Turn[]): boolean {
  return turns.every(({ role }) => role === 'system')
}

function writeTurn(turn: Turn, role: Role, options: WriteOptions): WrittenBlock[] {
  const { losses } = options
  if (turn.name !== undefined) losses.noEquivalent(`${turn.at}.name`)
  return turn.blocks.flatMap((block) => {
    const json = writeBlock(block, role, options)
    return json === undefined ? [] : [{ block, json }]
  })
}

/** Requires content in the last turn. Without it the model would continue its own last answer. @throws {RelayError} 400 */
function requireContent({ blocks, at = 'messages' }: Turn, isLast: boolean): void {
  const isEmpty = blocks.every(isBlank)
  if (isEmpty && !isLast) return
  const what = isEmpty
    ? 'the last message is empty. Give it text or other content.'
    : `the content of this message has no equivalent in ${PROTOCOL_ID}. Send text, an image or a PDF.`
  throw new RelayError('invalid_request', `${at}: ${what}`, { param: at })
}

/** Anthropic refuses an assistant message that ends with reasoning. */
function dropTrailingReasoning({ role, blocks }: Message): Message[] {
  const last = blocks.findLastIndex(({ block }) => block.type !== 'reasoning')
  return last < 0 ? [] : [{ role, blocks: blocks.slice(0, last + 1) }]
}

function putResultsFirst({ role, blocks }: Message): Message {
  const results = blocks.filter(({ block }) => block.type === 'tool-result')
  return { role, blocks: [...results, ...blocks.filter(({ block }) => block.type !== 'tool-result')] }
}

/** Anthropic refuses a last assistant message that ends in white space. */
function trimLastText(message: Message, index: number, { length }: readonly Message[]): Message {
  const last = message.blocks.at(-1)
  if (index < length - 1 || message.role === 'user' || last?.block.type !== 'text') return message
  const block = { ...last.block, text: last.block.text.trimEnd() }
  const json = JSON.stringify(writeText(block, 'assistant'))
  return { role: 'assistant', blocks: [...message.blocks.slice(0, -1), { block, json }] }
}
