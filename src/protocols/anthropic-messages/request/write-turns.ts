import type { Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { ID } from '../native.js'
import { pairResults } from './pair-tool-results.js'
import type { Message } from './write-blocks.js'
import { isBlank, type Part, type Role, writePart, writeText } from './write-blocks.js'

/**
 * What the user and the model said, in turn; text of the system stands elsewhere. Where there is no other, it is what
 * the user said. @throws {RelayError} for a turn of which nothing can be said
 */
export function writeTurns(turns: readonly Turn[], writing: WriteOptions): Message[] {
  const said = turns.filter(({ role }) => role !== 'system')
  const spoken = said.length > 0 ? said : turns.map((turn): Turn => ({ ...turn, role: 'user' }))
  const messages = spoken.flatMap((turn, index) => {
    const role = turn.role === 'assistant' ? 'assistant' : 'user'
    const parts = writeTurn(turn, role, writing)
    if (parts.length === 0 && role === 'user') refuseSilence(turn, index === spoken.length - 1)
    return parts.length > 0 ? [{ role, parts } as const] : []
  })
  // An answer that was nothing but thoughts is gone after the first: its neighbours then are one message.
  const merged = merge(merge(messages).flatMap(endWithWords))
  return pairResults(merged).map(resultsFirst).map(trimmed)
}

/** What one side said in several messages, as one. */
function merge(messages: readonly Message[]): Message[] {
  const merged: { role: Role; parts: Part[] }[] = []
  for (const { role, parts } of messages) {
    const last = merged.at(-1)
    if (last?.role !== role) merged.push({ role, parts: [...parts] })
    else for (const part of parts) last.parts.push(part)
  }
  return merged
}

/** Whether a conversation has only text of the system, which then is what the user says. */
export function isSystemOnly(turns: readonly Turn[]): boolean {
  return turns.every(({ role }) => role === 'system')
}

function writeTurn(turn: Turn, role: Role, writing: WriteOptions): Part[] {
  const { losses } = writing
  if (turn.name !== undefined) losses.noEquivalent(`${turn.at}.name`)
  return turn.blocks.flatMap((block) => {
    const json = writePart(block, role, writing)
    return json === undefined ? [] : [{ block, json }]
  })
}

/** Without its last question the conversation would end with an answer, which the model would go on writing. */
function refuseSilence({ blocks, at = 'messages' }: Turn, isLast: boolean): void {
  const isSilent = blocks.every(isBlank)
  if (isSilent && !isLast) return
  const what = isSilent ? 'the last message must say something' : `nothing of this message can be said in ${ID}`
  throw new RelayError('invalid_request', `${at}: ${what}`, { param: at })
}

/** The model's message may not end with a thought. */
function endWithWords({ role, parts }: Message): Message[] {
  const last = parts.findLastIndex(({ block }) => block.type !== 'reasoning')
  return last < 0 ? [] : [{ role, parts: parts.slice(0, last + 1) }]
}

function resultsFirst({ role, parts }: Message): Message {
  const results = parts.filter(({ block }) => block.type === 'tool-result')
  return { role, parts: [...results, ...parts.filter(({ block }) => block.type !== 'tool-result')] }
}

/** An answer that the model is to go on writing may not end in white space. */
function trimmed(message: Message, index: number, { length }: readonly Message[]): Message {
  const last = message.parts.at(-1)
  if (index < length - 1 || message.role === 'user' || last?.block.type !== 'text') return message
  const block = { ...last.block, text: last.block.text.trimEnd() }
  const json = JSON.stringify(writeText(block, 'assistant'))
  return { role: 'assistant', parts: [...message.parts.slice(0, -1), { block, json }] }
}
