import { randomText } from '../lib/ids.js'
import { isObject } from '../lib/values.js'
import type { DemoLanguage, Question, Reply, Tool } from './language.js'

/** OpenAI's Chat Completions, as the demo speaks it. */
export const openaiChat: DemoLanguage = {
  path: /\/chat\/completions$/,
  readQuestion,
  writeAnswer,
  writeStream,
  writeFailure: ({ message, type, code }) => ({ error: { message, type, param: null, code } }),
}

type Fields = Readonly<Record<string, unknown>>

function readQuestion(body: Fields): Question {
  const messages = Array.isArray(body.messages) ? body.messages.filter(isObject) : []
  const last = messages.at(-1)
  const toolResult = last?.role === 'tool' ? textOf(last.content) : undefined
  const most = body.max_completion_tokens ?? body.max_tokens
  const options = isObject(body.stream_options) ? body.stream_options : {}
  return {
    model: typeof body.model === 'string' ? body.model : '',
    stream: body.stream === true,
    said: textOf(messages.findLast(({ role }) => role === 'user')?.content),
    toolResult,
    tool: toolResult === undefined ? toolOf(body) : undefined,
    schema: schemaOf(body.response_format),
    most: typeof most === 'number' ? most : Number.POSITIVE_INFINITY,
    inputTokens: Math.ceil(JSON.stringify(messages).length / 4),
    wantsUsage: options.include_usage === true,
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts: readonly unknown[] = Array.isArray(content) ? content : []
  return parts.map((part) => (isObject(part) && typeof part.text === 'string' ? part.text : '')).join('')
}

/** The one that the caller insists on, else the first. */
function toolOf({ tools, tool_choice: choice }: Fields): Tool | undefined {
  if (choice === 'none' || !Array.isArray(tools)) return undefined
  const functions = tools.flatMap((tool) => (isObject(tool) && isObject(tool.function) ? [tool.function] : []))
  const wanted = isObject(choice) && isObject(choice.function) ? choice.function.name : undefined
  const chosen = functions.find(({ name }) => name === wanted) ?? functions[0]
  return typeof chosen?.name === 'string' ? { name: chosen.name, schema: chosen.parameters } : undefined
}

function schemaOf(format: unknown): unknown {
  if (!isObject(format)) return undefined
  if (format.type === 'json_object') return { type: 'object', properties: { answer: { type: 'string' } } }
  return isObject(format.json_schema) ? format.json_schema.schema : undefined
}

function writeAnswer(reply: Reply, question: Question): unknown {
  const text = reply.pieces.join('')
  const call = reply.tool === undefined ? undefined : { name: reply.tool, arguments: text }
  const message = call
    ? { content: null, tool_calls: [{ id: callId(), type: 'function', function: call }] }
    : { content: text }
  return {
    id: answerId(),
    object: 'chat.completion',
    created: seconds(),
    model: question.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', ...message, refusal: null },
        logprobs: null,
        finish_reason: finish(reply),
      },
    ],
    usage: usage(reply, question),
  }
}

function writeStream(reply: Reply, question: Question): readonly string[] {
  const common = { id: answerId(), object: 'chat.completion.chunk', created: seconds(), model: question.model }
  const noUsage = question.wantsUsage ? { usage: null } : {}
  const record = (value: object): string => `data: ${JSON.stringify({ ...common, ...value })}\n\n`
  const chunk = (delta: object, finish_reason: string | null = null): string =>
    record({ choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...noUsage })
  return [
    chunk({ role: 'assistant', content: reply.tool === undefined ? '' : null, refusal: null }),
    ...deltas(reply).map((delta) => chunk(delta)),
    chunk({}, finish(reply)),
    ...(question.wantsUsage ? [record({ choices: [], usage: usage(reply, question) })] : []),
    'data: [DONE]\n\n',
  ]
}

function deltas({ tool, pieces }: Reply): object[] {
  if (tool === undefined) return pieces.map((content) => ({ content }))
  const start = { index: 0, id: callId(), type: 'function', function: { name: tool, arguments: '' } }
  const rest = pieces.map((piece) => ({ index: 0, function: { arguments: piece } }))
  return [start, ...rest].map((call) => ({ tool_calls: [call] }))
}

function finish({ tool, isCut }: Reply): string {
  if (tool !== undefined) return 'tool_calls'
  return isCut ? 'length' : 'stop'
}

function usage({ pieces }: Reply, { inputTokens }: Question): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: pieces.length,
    total_tokens: inputTokens + pieces.length,
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

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
