import { Names } from '../../chat/names.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Dialect } from '../dialect.js'
import { lostReasoning, reasoningTextOf } from './reasoning.js'

type Fields = Record<string, unknown>

/** One thing that some places want otherwise. */
interface Change {
  /** Words without which a body has nothing to change, those of them that concern the place. */
  words(dialect: Dialect): readonly string[]
  /** Whether it found anything to change. */
  change(body: Fields, dialect: Dialect): boolean
}

const CHANGES: readonly Change[] = [
  {
    words: ({ renamedFields = {} }) => Object.keys(renamedFields),
    change: (body, { renamedFields = {} }) => rename(body, renamedFields),
  },
  { words: ({ toolCallId }) => (toolCallId ? ['tool_calls', 'tool_call_id'] : []), change: fitIds },
  { words: ({ expectsPastReasoning }) => (expectsPastReasoning === true ? ['assistant'] : []), change: addReasoning },
  { words: ({ refusedMessageFields = [] }) => refusedMessageFields, change: dropRefused },
  { words: ({ replyAfterToolResults }) => (replyAfterToolResults === undefined ? [] : ['tool']), change: addReplies },
  {
    words: ({ acceptsUsageRequest }) => (acceptsUsageRequest === false ? ['stream_options'] : []),
    change: (body) => drop(body, 'stream_options'),
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
  const changed = changes.filter(({ change }) => change(fields, dialect))
  if (asStream) Object.assign(fields, { stream: true, stream_options: { include_usage: true } })
  return changed.length > 0 || asStream ? Buffer.from(JSON.stringify(fields)) : body
}

/** Fields by the names that a place has for them. One that is there by that name already is not written over. */
export function rename(body: Fields, names: Readonly<Record<string, string>>): boolean {
  const found = Object.entries(names).filter(([name]) => body[name] !== undefined)
  for (const [name, other] of found) {
    body[other] ??= body[name]
    delete body[name]
  }
  return found.length > 0
}

/** Ids of calls by the place's rule, the same for a call and its result. */
function fitIds(body: Fields, { toolCallId }: Dialect): boolean {
  if (!toolCallId) return false
  const ids = new Names(toolCallId)
  const renew = (fields: Fields, name: string): boolean => {
    const id = fields[name]
    if (typeof id !== 'string') return false
    fields[name] = ids.fit(id)
    return fields[name] !== id
  }
  const fitted = messagesOf(body).flatMap((message) => [
    ...listOf(message.tool_calls).map((call) => renew(call, 'id')),
    renew(message, 'tool_call_id'),
  ])
  return fitted.includes(true)
}

/** Reasoning that the place misses: by its other name, else what stands for it. */
function addReasoning(body: Fields, dialect: Dialect): boolean {
  let added = false
  for (const message of messagesOf(body)) {
    if (message.role !== 'assistant' || message.reasoning_content) continue
    const text = reasoningTextOf(message) || lostReasoning(dialect, listOf(message.tool_calls).length > 0)
    if (text === undefined || text === message.reasoning_content) continue
    message.reasoning_content = text
    added = true
  }
  return added
}

function dropRefused(body: Fields, { refusedMessageFields = [] }: Dialect): boolean {
  return messagesOf(body)
    .flatMap((message) => refusedMessageFields.map((name) => drop(message, name)))
    .includes(true)
}

function drop(fields: Fields, name: string): boolean {
  const isThere = fields[name] !== undefined
  delete fields[name]
  return isThere
}

function addReplies(body: Fields, { replyAfterToolResults }: Dialect): boolean {
  const messages = messagesOf(body)
  const replied = withReplies(messages, replyAfterToolResults)
  if (replied.length === messages.length) return false
  body.messages = replied
  return true
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
