import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoProtocol, DemoReply, DemoRequest, DemoTool } from './protocol.js'

/** OpenAI's Chat Completions in the demo. */
export const openaiChat: DemoProtocol = {
  path: /\/chat\/completions$/,
  readRequest,
  writeAnswer,
  writeStream,
  writeError: ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
}

type Fields = Readonly<Record<string, unknown>>

function readRequest(body: Fields): DemoRequest {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : []
  const last = messages.at(-1)
  const toolResult = last?.role === 'tool' ? textOf(last.content) : undefined
  const maxTokens = body.max_completion_tokens ?? body.max_tokens
  const streamOptions = isObject(body.stream_options) ? body.stream_options : {}
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    userText: textOf(messages.findLast(({ role }) => role === 'user')?.content),
    toolResult,
    tool: toolResult === undefined ? toolOf(body) : undefined,
    schema: schemaOf(body.response_format),
    maxWords: typeof maxTokens === 'number' ? maxTokens : Number.POSITIVE_INFINITY,
    inputTokens: Math.ceil(JSON.stringify(messages).length / 4),
    wantsUsage: streamOptions.include_usage === true,
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** The tool that `tool_choice` names, else the first. */
function toolOf({ tools, tool_choice: choice }: Fields): DemoTool | undefined {
  if (choice === 'none' || !Array.isArray(tools)) return undefined
  const functions = tools.flatMap((tool) => (isObject(tool) && isObject(tool.function) ? [tool.function] : []))
  const chosenName = isObject(choice) && isObject(choice.function) ? choice.function.name : undefined
  const chosen = functions.find(({ name }) => name === chosenName) ?? functions[0]
  return typeof chosen?.name === 'string' ? { name: chosen.name, schema: chosen.parameters } : undefined
}

function schemaOf(format: unknown): unknown {
  if (!isObject(format)) return undefined
  if (format.type === 'json_object') return { type: 'object', properties: { answer: { type: 'string' } } }
  return isObject(format.json_schema) ? format.json_schema.schema : undefined
}

function writeAnswer(reply: DemoReply, request: DemoRequest): unknown {
  const text = reply.words.join('')
  const call = reply.toolName === undefined ? undefined : { name: reply.toolName, arguments: text }
  const message = call
    ? { content: null, tool_calls: [{ id: callId(), type: 'function', function: call }] }
    : { content: text }
  return {
    id: answerId(),
    object: 'chat.completion',
    created: epochSeconds(),
    model: request.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', ...message, refusal: null },
        logprobs: null,
        finish_reason: finishReason(reply),
      },
    ],
    usage: usage(reply, request),
  }
}

function writeStream(reply: DemoReply, request: DemoRequest): readonly string[] {
  const chunkHead = { id: answerId(), object: 'chat.completion.chunk', created: epochSeconds(), model: request.model }
  const noUsage = request.wantsUsage ? { usage: null } : {}
  const event = (fields: object): string => `data: ${JSON.stringify({ ...chunkHead, ...fields })}\n\n`
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    event({ choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...noUsage })
  return [
    chunk({ role: 'assistant', content: reply.toolName === undefined ? '' : null, refusal: null }),
    ...deltas(reply).map((delta) => chunk(delta)),
    chunk({}, finishReason(reply)),
    ...(request.wantsUsage ? [event({ choices: [], usage: usage(reply, request) })] : []),
    'data: [DONE]\n\n',
  ]
}

function deltas({ toolName, words }: DemoReply): object[] {
  if (toolName === undefined) return words.map((content) => ({ content }))
  const start = { index: 0, id: callId(), type: 'function', function: { name: toolName, arguments: '' } }
  const parts = words.map((word) => ({ index: 0, function: { arguments: word } }))
  return [start, ...parts].map((call) => ({ tool_calls: [call] }))
}

function finishReason({ toolName, isTruncated }: DemoReply): string {
  if (toolName !== undefined) return 'tool_calls'
  return isTruncated ? 'length' : 'stop'
}

function usage({ words }: DemoReply, { inputTokens }: DemoRequest): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: words.length,
    total_tokens: inputTokens + words.length,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}

function answerId(): string {
  return `chatcmpl-${randomText(29)}`
}

function callId(): string {
  return `call_${randomText(24)}`
}

function epochSeconds(): number {
  return Math.floor(Date.now() / 1000)
}
