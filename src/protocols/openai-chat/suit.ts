import { Names } from '../../chat/names.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Dialect } from '../dialect.js'
import { lostReasoning, reasoningTextOf } from './reasoning.js'

type Fields = Record<string, unknown>

/** One thing that some places want otherwise. */
interface Change {
  /** Words without which a body has nothing to change, those of them that concern the place. */
  words(dialect: Dialect): readonly string[]
  change(body: Fields, dialect: Dialect): void
}

const CHANGES: readonly Change[] = [
  {
    words: ({ fieldNames = {} }) => Object.keys(fieldNames),
    change: (body, { fieldNames = {} }) => rename(body, fieldNames),
  },
  { words: ({ toolId }) => (toolId ? ['tool_calls', 'tool_call_id'] : []), change: fitIds },
  { words: ({ echoesReasoning }) => (echoesReasoning === true ? ['assistant'] : []), change: addReasoning },
  { words: ({ refusedFields = [] }) => refusedFields, change: dropRefused },
  { words: ({ afterResults }) => (afterResults === undefined ? [] : ['tool']), change: addReplies },
  {
    words: ({ tellsUsage }) => (tellsUsage === false ? ['stream_options'] : []),
    change: (body) => void delete body.stream_options,
  },
]

/**
 * A caller's body as a place takes it: what it is known to refuse is changed, and nothing lost by it. The same bytes
 * where there is nothing of that kind in them.
 */
export function suit(body: Buffer, dialect: Dialect, asStream: boolean): Buffer {
  const changes = CHANGES.filter(({ words }) => words(dialect).some((word) => body.includes(`"${word}"`)))
  if (changes.length === 0 && !asStream) return body
  const fields = parseJson(body.toString())
  if (!isObject(fields)) return body
  const before = JSON.stringify(fields)
  for (const { change } of changes) change(fields, dialect)
  if (asStream) Object.assign(fields, { stream: true, stream_options: { include_usage: true } })
  const after = JSON.stringify(fields)
  return after === before ? body : Buffer.from(after)
}

/** Fields by the names that a place has for them. One that is there by that name already is not written over. */
export function rename(body: Fields, names: Readonly<Record<string, string>>): void {
  for (const [name, other] of Object.entries(names)) {
    if (body[name] === undefined) continue
    body[other] ??= body[name]
    delete body[name]
  }
}

/** Ids of calls by the place's rule, the same for a call and its result. */
function fitIds(body: Fields, { toolId }: Dialect): void {
  if (!toolId) return
  const ids = new Names(toolId)
  for (const message of messagesOf(body)) {
    for (const call of listOf(message.tool_calls)) if (typeof call.id === 'string') call.id = ids.fit(call.id)
    if (typeof message.tool_call_id === 'string') message.tool_call_id = ids.fit(message.tool_call_id)
  }
}

/** Reasoning that the place misses: by its other name, else what stands for it. */
function addReasoning(body: Fields, dialect: Dialect): void {
  for (const message of messagesOf(body)) {
    if (message.role !== 'assistant' || message.reasoning_content) continue
    const text = reasoningTextOf(message) || lostReasoning(dialect, listOf(message.tool_calls).length > 0)
    if (text !== undefined) message.reasoning_content = text
  }
}

function dropRefused(body: Fields, { refusedFields = [] }: Dialect): void {
  for (const message of messagesOf(body)) for (const name of refusedFields) delete message[name]
}

function addReplies(body: Fields, { afterResults }: Dialect): void {
  if (Array.isArray(body.messages)) body.messages = withReplies(body.messages, afterResults)
}

/** Messages with a reply of the model between results of tools and what the user says next. */
export function withReplies(messages: readonly object[], reply: string | undefined): readonly object[] {
  if (reply === undefined) return messages
  return messages.flatMap((message, index) => {
    const isMissed = roleOf(message) === 'user' && roleOf(messages[index - 1]) === 'tool'
    return isMissed ? [{ role: 'assistant', content: reply }, message] : [message]
  })
}

function roleOf(message: unknown): unknown {
  return isObject(message) ? message.role : undefined
}

function messagesOf({ messages }: Fields): Fields[] {
  return listOf(messages)
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}
