import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoFailure, DemoProtocol, DemoReply, DemoRequest, DemoTool } from './protocol.js'

/** Anthropic's Messages API in the demo. */
export const anthropicMessages: DemoProtocol = {
  path: /\/messages$/,
  readRequest,
  writeAnswer,
  writeStream,
  writeError,
}

type Fields = Readonly<Record<string, unknown>>

function readRequest(body: Fields): DemoRequest {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : []
  const last = blocksOf(messages.at(-1)?.content)
  const result = last.find(({ type }) => type === 'tool_result')
  const output = isObject(body.output_config) ? body.output_config : {}
  const format = isObject(output.format) ? output.format : undefined
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    userText: textOf(messages.findLast(({ role }) => role === 'user')?.content),
    toolResult: result && textOf(result.content),
    tool: result ? undefined : toolOf(body),
    schema: format?.schema,
    maxWords: typeof body.max_tokens === 'number' ? body.max_tokens : Number.POSITIVE_INFINITY,
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

/** The tool that `tool_choice` names, else the first. */
function toolOf({ tools, tool_choice }: Fields): DemoTool | undefined {
  const choice = isObject(tool_choice) ? tool_choice : {}
  if (choice.type === 'none' || !Array.isArray(tools)) return undefined
  const clientTools = tools.filter(isObject).filter(({ input_schema: schema }) => isObject(schema))
  const chosen = clientTools.find(({ name }) => name === choice.name) ?? clientTools[0]
  return typeof chosen?.name === 'string' ? { name: chosen.name, schema: chosen.input_schema } : undefined
}

function writeAnswer(reply: DemoReply, request: DemoRequest): unknown {
  const text = reply.words.join('')
  const block = reply.toolName === undefined ? { type: 'text', text } : toolUseBlock(reply.toolName, JSON.parse(text))
  const content = text === '' ? [] : [block]
  return { ...messageHead(request, reply.words.length), content, ...stopFields(reply) }
}

function writeStream(reply: DemoReply, request: DemoRequest): readonly string[] {
  const start = reply.toolName === undefined ? { type: 'text', text: '' } : toolUseBlock(reply.toolName, {})
  const usage = { ...inputUsage(request), output_tokens: reply.words.length }
  return [
    writeEvent('message_start', { message: messageHead(request, 0) }),
    writeEvent('content_block_start', { index: 0, content_block: start }),
    writeEvent('ping'),
    ...reply.words.map((word) => writeEvent('content_block_delta', { index: 0, delta: delta(reply, word) })),
    writeEvent('content_block_stop', { index: 0 }),
    writeEvent('message_delta', { delta: { ...stopFields(reply), container: null }, usage }),
    writeEvent('message_stop'),
  ]
}

function writeEvent(type: string, fields: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}

function delta({ toolName }: DemoReply, word: string): object {
  return toolName === undefined ? { type: 'text_delta', text: word } : { type: 'input_json_delta', partial_json: word }
}

function messageHead(request: DemoRequest, output_tokens: number): object {
  return {
    id: `msg_${randomText(24)}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: { ...inputUsage(request), output_tokens },
  }
}

function inputUsage({ inputTokens }: DemoRequest): object {
  return { input_tokens: inputTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
}

function toolUseBlock(name: string, value: unknown): object {
  return { type: 'tool_use', id: `toolu_${randomText(24)}`, name, input: value, caller: { type: 'direct' } }
}

function stopFields({ toolName, isTruncated }: DemoReply): object {
  const stop_reason = toolName !== undefined ? 'tool_use' : isTruncated ? 'max_tokens' : 'end_turn'
  return { stop_reason, stop_sequence: null, stop_details: null }
}

const ERROR_TYPES = new Map([
  [400, 'invalid_request_error'],
  [404, 'not_found_error'],
  [429, 'rate_limit_error'],
])

function writeError({ status, message }: DemoFailure): unknown {
  return { type: 'error', error: { type: ERROR_TYPES.get(status) ?? 'api_error', message }, request_id: null }
}
