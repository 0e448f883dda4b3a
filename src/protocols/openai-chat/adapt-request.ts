import { Names } from '../../chat/names.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Dialect } from '../dialect.js'
import { reasoningPlaceholder, reasoningTextOf } from './answer/reasoning-details.js'

type Fields = Record<string, unknown>

/** One change that some upstreams need. */
interface Adaptation {
  /** Strings of which a body must contain one. Empty where the upstream does not need the change. */
  triggers(dialect: Dialect): readonly string[]
  /** Changes the body in place. Returns whether anything changed. */
  apply(body: Fields, dialect: Dialect): boolean
}

const ADAPTATIONS: readonly Adaptation[] = [
  {
    triggers: ({ renamedFields = {} }) => Object.keys(renamedFields),
    apply: (body, { renamedFields = {} }) => renameFields(body, renamedFields),
  },
  { triggers: ({ toolCallId }) => (toolCallId ? ['tool_calls', 'tool_call_id'] : []), apply: fitCallIds },
  {
    triggers: ({ expectsPastReasoning }) => (expectsPastReasoning === true ? ['assistant'] : []),
    apply: addPastReasoning,
  },
  { triggers: ({ refusedMessageFields = [] }) => refusedMessageFields, apply: removeRefusedFields },
  { triggers: ({ replyAfterToolResults }) => (replyAfterToolResults === undefined ? [] : ['tool']), apply: addReplies },
  {
    triggers: ({ acceptsUsageRequest }) => (acceptsUsageRequest === false ? ['stream_options'] : []),
    apply: (body) => removeField(body, 'stream_options'),
  },
]

/**
 * Changes a client's body so that the upstream accepts it, without losing content. Returns the same bytes where there is
 * nothing to change. `asStream`: the upstream will stream, although the client does not.
 */
export function adaptRequest(body: Buffer, dialect: Dialect, asStream: boolean): Buffer {
  const adaptations = ADAPTATIONS.filter(({ triggers }) => triggers(dialect).some((text) => body.includes(`"${text}"`)))
  if (adaptations.length === 0 && !asStream) return body
  const fields = parseJson(body.toString())
  if (!isObject(fields)) return body
  const applied = adaptations.filter(({ apply }) => apply(fields, dialect))
  if (asStream) Object.assign(fields, { stream: true, stream_options: { include_usage: true } })
  return applied.length > 0 || asStream ? Buffer.from(JSON.stringify(fields)) : body
}

/** Renames fields in place, from OpenAI's names to the upstream's. Keeps a field that already has the new name. */
export function renameFields(body: Fields, names: Readonly<Record<string, string>>): boolean {
  const found = Object.entries(names).filter(([name]) => body[name] !== undefined)
  for (const [name, newName] of found) {
    body[newName] ??= body[name]
    delete body[name]
  }
  return found.length > 0
}

/** Replaces ids of tool calls that the upstream refuses. A call and its result get the same id. */
function fitCallIds(body: Fields, { toolCallId }: Dialect): boolean {
  if (!toolCallId) return false
  const ids = new Names(toolCallId)
  const replaceId = (fields: Fields, name: string): boolean => {
    const id = fields[name]
    if (typeof id !== 'string') return false
    fields[name] = ids.fit(id)
    return fields[name] !== id
  }
  const fitted = messagesOf(body).flatMap((message) => [
    ...listOf(message.tool_calls).map((call) => replaceId(call, 'id')),
    replaceId(message, 'tool_call_id'),
  ])
  return fitted.includes(true)
}

/** Adds `reasoning_content` where it is missing: from the field `reasoning`, else the placeholder. */
function addPastReasoning(body: Fields, dialect: Dialect): boolean {
  let added = false
  for (const message of messagesOf(body)) {
    if (message.role !== 'assistant' || message.reasoning_content) continue
    const text = reasoningTextOf(message) || reasoningPlaceholder(dialect, listOf(message.tool_calls).length > 0)
    if (text === undefined || text === message.reasoning_content) continue
    message.reasoning_content = text
    added = true
  }
  return added
}

function removeRefusedFields(body: Fields, { refusedMessageFields = [] }: Dialect): boolean {
  return messagesOf(body)
    .flatMap((message) => refusedMessageFields.map((name) => removeField(message, name)))
    .includes(true)
}

function removeField(fields: Fields, name: string): boolean {
  const isPresent = fields[name] !== undefined
  delete fields[name]
  return isPresent
}

function addReplies(body: Fields, { replyAfterToolResults }: Dialect): boolean {
  const messages = messagesOf(body)
  const withReplies = insertReplies(messages, replyAfterToolResults)
  if (withReplies.length === messages.length) return false
  body.messages = withReplies
  return true
}

/** Inserts an assistant message with this text between tool results and a user message. */
export function insertReplies(messages: readonly object[], reply: string | undefined): readonly object[] {
  if (reply === undefined) return messages
  return messages.flatMap((message, index) => {
    const needsReply = roleOf(message) === 'user' && roleOf(messages[index - 1]) === 'tool'
    return needsReply ? [{ role: 'assistant', content: reply }, message] : [message]
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
