import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoLanguage, Question, Reply, Tool } from './language.js'

/** OpenAI's Responses, as the demo speaks it. */
export const openaiResponses: DemoLanguage = {
  path: /\/responses$/,
  readQuestion,
  writeAnswer: (reply, question) => responseOf(newIds(), question, whole(reply)),
  writeStream,
  writeFailure: ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
}

type Fields = Readonly<Record<string, unknown>>

function readQuestion(body: Fields): Question {
  const items = itemsOf(body.input)
  const last = items.at(-1)
  const toolResult = String(last?.type).endsWith('_call_output') ? textOf(last?.output) : undefined
  const format = isObject(body.text) ? body.text.format : undefined
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    said: textOf(items.findLast(({ role }) => role === 'user')?.content),
    toolResult,
    tool: toolResult === undefined ? toolOf(body) : undefined,
    schema: schemaOf(format),
    most: typeof body.max_output_tokens === 'number' ? body.max_output_tokens : Number.POSITIVE_INFINITY,
    inputTokens: Math.ceil(JSON.stringify(items).length / 4),
    wantsUsage: true,
  }
}

function itemsOf(input: unknown): Fields[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  return Array.isArray(input) ? input.filter(isObject) : []
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** The one that the caller insists on, else the first. */
function toolOf({ tools, tool_choice: choice }: Fields): Tool | undefined {
  if (choice === 'none' || !Array.isArray(tools)) return undefined
  const functions = tools.filter(isObject).filter(({ type }) => type === 'function')
  const wanted = isObject(choice) ? choice.name : undefined
  const chosen = functions.find(({ name }) => name === wanted) ?? functions[0]
  return typeof chosen?.name === 'string' ? { name: chosen.name, schema: chosen.parameters } : undefined
}

function schemaOf(format: unknown): unknown {
  if (!isObject(format)) return undefined
  if (format.type === 'json_object') return { type: 'object', properties: { answer: { type: 'string' } } }
  return format.schema
}

interface Ids {
  readonly response: string
  readonly item: string
  readonly call: string
}

function newIds(): Ids {
  return { response: `resp_${randomText(48)}`, item: randomText(48), call: `call_${randomText(24)}` }
}

/** What of a response changes while it is streamed. */
interface Progress {
  readonly reply: Reply
  readonly isWhole: boolean
}

function whole(reply: Reply): Progress {
  return { reply, isWhole: true }
}

function responseOf(ids: Ids, question: Question, { reply, isWhole }: Progress): object {
  const isCut = isWhole && reply.isCut
  return {
    id: ids.response,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: isWhole ? statusOf(reply) : 'in_progress',
    error: null,
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    metadata: {},
    model: question.model,
    output: isWhole ? [itemOf(ids, whole(reply))] : [],
    parallel_tool_calls: true,
    store: false,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: isWhole ? usage(reply, question) : null,
  }
}

function statusOf({ isCut }: Reply): string {
  return isCut ? 'incomplete' : 'completed'
}

function itemOf(ids: Ids, { reply, isWhole }: Progress): object {
  const text = isWhole ? reply.pieces.join('') : ''
  const status = isWhole ? statusOf(reply) : 'in_progress'
  if (reply.tool !== undefined) {
    const call = { arguments: text, call_id: ids.call, name: reply.tool }
    return { id: `fc_${ids.item}`, type: 'function_call', status, ...call }
  }
  return { id: `msg_${ids.item}`, type: 'message', status, role: 'assistant', content: isWhole ? [partOf(text)] : [] }
}

function partOf(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function writeStream(reply: Reply, question: Question): readonly string[] {
  const ids = newIds()
  const begun = responseOf(ids, question, { reply, isWhole: false })
  const events: readonly [type: string, fields: object][] = [
    ['created', { response: begun }],
    ['in_progress', { response: begun }],
    ['output_item.added', { output_index: 0, item: itemOf(ids, { reply, isWhole: false }) }],
    ...(reply.tool === undefined ? textEvents(ids, reply) : callEvents(ids, reply)),
    ['output_item.done', { output_index: 0, item: itemOf(ids, whole(reply)) }],
    [statusOf(reply), { response: responseOf(ids, question, whole(reply)) }],
  ]
  return events.map(([name, fields], sequence) => {
    const type = `response.${name}`
    return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence })}\n\n`
  })
}

function textEvents({ item }: Ids, { pieces }: Reply): [string, object][] {
  const place = { item_id: `msg_${item}`, output_index: 0, content_index: 0 }
  const text = pieces.join('')
  return [
    ['content_part.added', { ...place, part: partOf('') }],
    ...pieces.map((delta): [string, object] => ['output_text.delta', { ...place, delta, logprobs: [] }]),
    ['output_text.done', { ...place, text, logprobs: [] }],
    ['content_part.done', { ...place, part: partOf(text) }],
  ]
}

function callEvents({ item }: Ids, { pieces }: Reply): [string, object][] {
  const place = { item_id: `fc_${item}`, output_index: 0 }
  return [
    ...pieces.map((delta): [string, object] => ['function_call_arguments.delta', { ...place, delta }]),
    ['function_call_arguments.done', { ...place, arguments: pieces.join('') }],
  ]
}

function usage({ pieces }: Reply, { inputTokens }: Question): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: pieces.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + pieces.length,
  }
}
