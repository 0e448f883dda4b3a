import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoProtocol, DemoReply, DemoRequest, DemoTool } from './protocol.js'

/** OpenAI's Responses API in the demo. */
export const openaiResponses: DemoProtocol = {
  path: /\/responses$/,
  readRequest,
  writeAnswer: (reply, request) => responseOf(createIds(), request, complete(reply)),
  writeStream,
  writeError: ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
}

type Fields = Readonly<Record<string, unknown>>

function readRequest(body: Fields): DemoRequest {
  const items = itemsOf(body.input)
  const last = items.at(-1)
  const toolResult = String(last?.type).endsWith('_call_output') ? textOf(last?.output) : undefined
  const format = isObject(body.text) ? body.text.format : undefined
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    userText: textOf(items.findLast(({ role }) => role === 'user')?.content),
    toolResult,
    tool: toolResult === undefined ? toolOf(body) : undefined,
    schema: schemaOf(format),
    maxWords: typeof body.max_output_tokens === 'number' ? body.max_output_tokens : Number.POSITIVE_INFINITY,
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

/** The tool that `tool_choice` names, else the first. */
function toolOf({ tools, tool_choice: choice }: Fields): DemoTool | undefined {
  if (choice === 'none' || !Array.isArray(tools)) return undefined
  const functions = tools.filter(isObject).filter(({ type }) => type === 'function')
  const chosenName = isObject(choice) ? choice.name : undefined
  const chosen = functions.find(({ name }) => name === chosenName) ?? functions[0]
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

function createIds(): Ids {
  return { response: `resp_${randomText(48)}`, item: randomText(48), call: `call_${randomText(24)}` }
}

/** The part of a response that changes during its stream. */
interface ResponseState {
  readonly reply: DemoReply
  readonly isComplete: boolean
}

function complete(reply: DemoReply): ResponseState {
  return { reply, isComplete: true }
}

function responseOf(ids: Ids, request: DemoRequest, { reply, isComplete }: ResponseState): object {
  const isTruncated = isComplete && reply.isTruncated
  return {
    id: ids.response,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: isComplete ? statusOf(reply) : 'in_progress',
    error: null,
    incomplete_details: isTruncated ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    metadata: {},
    model: request.model,
    output: isComplete ? [itemOf(ids, complete(reply))] : [],
    parallel_tool_calls: true,
    store: false,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: isComplete ? usage(reply, request) : null,
  }
}

function statusOf({ isTruncated }: DemoReply): string {
  return isTruncated ? 'incomplete' : 'completed'
}

function itemOf(ids: Ids, { reply, isComplete }: ResponseState): object {
  const text = isComplete ? reply.words.join('') : ''
  const status = isComplete ? statusOf(reply) : 'in_progress'
  if (reply.toolName !== undefined) {
    const call = { arguments: text, call_id: ids.call, name: reply.toolName }
    return { id: `fc_${ids.item}`, type: 'function_call', status, ...call }
  }
  return {
    id: `msg_${ids.item}`,
    type: 'message',
    status,
    role: 'assistant',
    content: isComplete ? [partOf(text)] : [],
  }
}

function partOf(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text }
}

function writeStream(reply: DemoReply, request: DemoRequest): readonly string[] {
  const ids = createIds()
  const started = responseOf(ids, request, { reply, isComplete: false })
  const events: readonly [type: string, fields: object][] = [
    ['created', { response: started }],
    ['in_progress', { response: started }],
    ['output_item.added', { output_index: 0, item: itemOf(ids, { reply, isComplete: false }) }],
    ...(reply.toolName === undefined ? textEvents(ids, reply) : callEvents(ids, reply)),
    ['output_item.done', { output_index: 0, item: itemOf(ids, complete(reply)) }],
    [statusOf(reply), { response: responseOf(ids, request, complete(reply)) }],
  ]
  return events.map(([name, fields], sequence) => {
    const type = `response.${name}`
    return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields, sequence_number: sequence })}\n\n`
  })
}

function textEvents({ item }: Ids, { words }: DemoReply): [string, object][] {
  const location = { item_id: `msg_${item}`, output_index: 0, content_index: 0 }
  const text = words.join('')
  return [
    ['content_part.added', { ...location, part: partOf('') }],
    ...words.map((delta): [string, object] => ['output_text.delta', { ...location, delta, logprobs: [] }]),
    ['output_text.done', { ...location, text, logprobs: [] }],
    ['content_part.done', { ...location, part: partOf(text) }],
  ]
}

function callEvents({ item }: Ids, { words }: DemoReply): [string, object][] {
  const location = { item_id: `fc_${item}`, output_index: 0 }
  return [
    ...words.map((delta): [string, object] => ['function_call_arguments.delta', { ...location, delta }]),
    ['function_call_arguments.done', { ...location, arguments: words.join('') }],
  ]
}

function usage({ words }: DemoReply, { inputTokens }: DemoRequest): object {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: words.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + words.length,
  }
}
