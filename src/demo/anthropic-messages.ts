import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoLanguage, Failure, Question, Reply, Tool } from './language.js'

/** Anthropic's Messages, as the demo speaks it. */
export const anthropicMessages: DemoLanguage = {
  path: /\/messages$/,
  readQuestion,
  writeAnswer,
  writeStream,
  writeFailure,
}

type Fields = Readonly<Record<string, unknown>>

function readQuestion(body: Fields): Question {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : []
  const last = blocksOf(messages.at(-1)?.content)
  const result = last.find(({ type }) => type === 'tool_result')
  const output = isObject(body.output_config) ? body.output_config : {}
  const format = isObject(output.format) ? output.format : undefined
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    said: textOf(messages.findLast(({ role }) => role === 'user')?.content),
    toolResult: result && textOf(result.content),
    tool: result ? undefined : toolOf(body),
    schema: format?.schema,
    most: typeof body.max_tokens === 'number' ? body.max_tokens : Number.POSITIVE_INFINITY,
    inputTokens: Math.ceil(JSON.stringify([body.system, messages]).length / 4),
    wantsUsage: true,
  }
}

function blocksOf(content: unknown): Fields[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? content.filter(isObject) : []
}

function textOf(content: unknown): string {
  return blocksOf(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('')
}

/** The one that the caller insists on, else the first. */
function toolOf({ tools, tool_choice }: Fields): Tool | undefined {
  const choice = isObject(tool_choice) ? tool_choice : {}
  if (choice.type === 'none' || !Array.isArray(tools)) return undefined
  const own = tools.filter(isObject).filter(({ input_schema: schema }) => isObject(schema))
  const chosen = own.find(({ name }) => name === choice.name) ?? own[0]
  return typeof chosen?.name === 'string' ? { name: chosen.name, schema: chosen.input_schema } : undefined
}

function writeAnswer(reply: Reply, question: Question): unknown {
  const text = reply.pieces.join('')
  const block = reply.tool === undefined ? { type: 'text', text } : call(reply.tool, JSON.parse(text))
  const content = text === '' ? [] : [block]
  return { ...message(question, reply.pieces.length), content, ...ending(reply) }
}

function writeStream(reply: Reply, question: Question): readonly string[] {
  const start = reply.tool === undefined ? { type: 'text', text: '' } : call(reply.tool, {})
  const usage = { ...input(question), output_tokens: reply.pieces.length }
  return [
    record('message_start', { message: message(question, 0) }),
    record('content_block_start', { index: 0, content_block: start }),
    record('ping'),
    ...reply.pieces.map((piece) => record('content_block_delta', { index: 0, delta: delta(reply, piece) })),
    record('content_block_stop', { index: 0 }),
    record('message_delta', { delta: { ...ending(reply), container: null }, usage }),
    record('message_stop'),
  ]
}

function record(type: string, fields: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

function delta({ tool }: Reply, piece: string): object {
  return tool === undefined ? { type: 'text_delta', text: piece } : { type: 'input_json_delta', partial_json: piece }
}

function message(question: Question, output_tokens: number): object {
  return {
    id: `msg_${randomText(24)}`,
    type: 'message',
    role: 'assistant',
    model: question.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: { ...input(question), output_tokens },
  }
}

function input({ inputTokens }: Question): object {
  return { input_tokens: inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
}

function call(name: string, value: unknown): object {
  return { type: 'tool_use', id: `toolu_${randomText(24)}`, name, input: value, caller: { type: 'direct' } }
}

function ending({ tool, isCut }: Reply): object {
  const stop_reason = tool !== undefined ? 'tool_use' : isCut ? 'max_tokens' : 'end_turn'
  return { stop_reason, stop_sequence: null, stop_details: null }
}

const TYPES = new Map([
  [400, 'invalid_request_error'],
  [404, 'not_found_error'],
  [429, 'rate_limit_error'],
])

function writeFailure({ status, message }: Failure): unknown {
  return { type: 'error', error: { type: TYPES.get(status) ?? 'api_error', message }, request_id: null }
}
