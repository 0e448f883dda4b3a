import type { Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { PROTOCOL_ID } from '../traits.js'
import { pairResults } from './pair-tool-results.js'
import type { Message } from './write-blocks.js'
import { isBlank, type Part, type Role, writePart, writeText } from './write-blocks.js'

/**
 * Writes the turns of user and assistant as alternating messages, without system text. A conversation of system text
 * only is sent as the user's. @throws {RelayError} 400 for a turn that has nothing to send
 */
export function writeTurns(turns: readonly Turn[], options: WriteOptions): Message[] {
  const conversation = turns.filter(({ role }) => role !== 'system')
  const sent = conversation.length > 0 ? conversation : turns.map((turn): Turn => ({ ...turn, role: 'user' }))
  const messages = sent.flatMap((turn, index) => {
    const role = turn.role === 'assistant' ? 'assistant' : 'user'
    const parts = writeTurn(turn, role, options)
    if (parts.length === 0 && role === 'user') requireContent(turn, index === sent.length - 1)
    return parts.length > 0 ? [{ role, parts } as const] : []
  })
  // A message of reasoning only is dropped, so its neighbours must be merged again.
  const merged = merge(merge(messages).flatMap(dropTrailingReasoning))
  return pairResults(merged).map(resultsFirst).map(trimmed)
}

/** Merges consecutive messages of one role. */
function merge(messages: readonly Message[]): Message[] {
  const merged: { role: Role; parts: Part[] }[] = []
  for (const { role, parts } of messages) {
    const last = merged.at(-1)
    if (last?.role !== role) merged.push({ role, parts: [...parts] })
    else for (const part of parts) last.parts.push(part)
  }
  return merged
}

/** Whether a conversation has only system text. It is then sent as the user's. */
export function isSystemOnly(turns: readonly Turn[]): boolean {
  return turns.every(({ role }) => role === 'system')
}

function writeTurn(turn: Turn, role: Role, options: WriteOptions): Part[] {
  const { losses } = options
  if (turn.name !== undefined) losses.noEquivalent(`${turn.at}.name`)
  return turn.blocks.flatMap((block) => {
    const json = writePart(block, role, options)
    return json === undefined ? [] : [{ block, json }]
  })
}

/** Requires content in the last turn. Without it the model would continue its own last answer. @throws {RelayError} 400 */
function requireContent({ blocks, at = 'messages' }: Turn, isLast: boolean): void {
  const isSilent = blocks.every(isBlank)
  if (isSilent && !isLast) return
  const what = isSilent
    ? 'the last message must say something'
    : `nothing of this message can be said in ${PROTOCOL_ID}`
  throw new RelayError('invalid_request', `${at}: ${what}`, { param: at })
}

/** Anthropic refuses an assistant message that ends with reasoning. */
function dropTrailingReasoning({ role, parts }: Message): Message[] {
  const last = parts.findLastIndex(({ block }) => block.type !== 'reasoning')
  return last < 0 ? [] : [{ role, parts: parts.slice(0, last + 1) }]
}

function resultsFirst({ role, parts }: Message): Message {
  const results = parts.filter(({ block }) => block.type === 'tool-result')
  return { role, parts: [...results, ...parts.filter(({ block }) => block.type !== 'tool-result')] }
}

/** Anthropic refuses a last assistant message that ends in white space. */
function trimmed(message: Message, index: number, { length }: readonly Message[]): Message {
  const last = message.parts.at(-1)
  if (index < length - 1 || message.role === 'user' || last?.block.type !== 'text') return message
  const block = { ...last.block, text: last.block.text.trimEnd() }
  const json = JSON.stringify(writeText(block, 'assistant'))
  return { role: 'assistant', parts: [...message.parts.slice(0, -1), { block, json }] }
}
