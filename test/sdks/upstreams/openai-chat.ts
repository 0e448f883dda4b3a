import {
  type AnswerContent,
  assertValid,
  type Json,
  type ReceivedRequest,
  splitText,
  sse,
  type ToolExchange,
  type UpstreamProtocol,
  USAGE,
} from './upstream-protocol.js'

const HEAD = { id: 'chatcmpl-up', created: 1, model: 'qwen-up' }
const usage = {
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
  prompt_tokens_details: { cached_tokens: USAGE.cached },
  completion_tokens_details: { reasoning_tokens: USAGE.reasoning },
}

/** Chat Completions, with `reasoning_content` as several vendors send it. */
export const openaiChat: UpstreamProtocol = {
  id: 'openai-chat',
  model: 'qwen-up',
  signature: '',
  provider: (port) => ({ type: 'openai-compatible', baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'sk-up' }),
  isStreamed: (_url, body) => body.stream === true,
  whole,
  records,
  errorBody: (status, message) => ({ error: { message, param: null, ...KINDS[status] } }),
  errorRecord: (message) => sse({ error: { message, type: 'server_error', param: null, code: null } }),
  readRequest,
}

const KINDS: Record<number, object> = {
  400: { type: 'invalid_request_error', code: null },
  429: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  529: { type: 'server_error', code: 'overloaded' },
}

function whole({ reasoning, text, calls = [] }: AnswerContent): object {
  const message = {
    role: 'assistant',
    content: text ? text.join('') : null,
    refusal: null,
    ...(reasoning && { reasoning_content: reasoning }),
    ...(calls.length > 0 && { tool_calls: calls.map(({ id, name, input }) => call(id, name, JSON.stringify(input))) }),
  }
  const finish_reason = calls.length > 0 ? 'tool_calls' : 'stop'
  return { ...HEAD, object: 'chat.completion', choices: [{ index: 0, message, logprobs: null, finish_reason }], usage }
}

function call(id: string, name: string, text: string): object {
  return { id, type: 'function', function: { name, arguments: text } }
}

function records({ reasoning = '', text = [], calls = [] }: AnswerContent, body: Json): string[] {
  const asked = body.stream_options?.include_usage === true
  const chunk = (choices: object[], used: object | null = null): string =>
    sse({ ...HEAD, object: 'chat.completion.chunk', choices, ...(asked && { usage: used }) })
  const delta = (value: object, finish_reason: string | null = null): string =>
    chunk([{ index: 0, delta: value, logprobs: null, finish_reason }])
  return [
    delta({ role: 'assistant', content: '' }),
    ...splitText(reasoning).map((piece) => delta({ reasoning_content: piece })),
    ...text.map((piece) => delta({ content: piece })),
    ...calls.flatMap(({ id, name, input }, index) => [
      delta({ tool_calls: [{ index, ...call(id, name, '') }] }),
      ...splitText(JSON.stringify(input)).map((piece) =>
        delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
      ),
    ]),
    delta({}, calls.length > 0 ? 'tool_calls' : 'stop'),
    ...(asked ? [chunk([], usage)] : []),
    'data: [DONE]\n\n',
  ]
}

function readRequest(body: Json): ReceivedRequest {
  const texts: string[] = []
  const images: { mime: string; data: string }[] = []
  const exchanges: ToolExchange[] = []
  const messages: Json[] = body.messages
  for (const [index, message] of messages.entries()) {
    if (message.role === 'user' || message.role === 'system') collectContent(message.content, texts, images)
    const calls: Json[] = message.tool_calls ?? []
    const results = messages.slice(index + 1, index + 1 + calls.length)
    for (const { id, function: one } of calls) {
      const result = results.find(({ tool_call_id }) => tool_call_id === id)
      assertValid(result?.role === 'tool', `tool_call_ids did not have response messages: ${id}`)
      exchanges.push({ name: one.name, input: JSON.parse(one.arguments), result: textOf(result.content) })
    }
  }
  assertValid(messages.filter(({ role }) => role === 'tool').length === exchanges.length, 'a result without its call')
  return {
    texts,
    images,
    exchanges,
    tools: (body.tools ?? []).map((tool: Json) => tool.function.name),
    schema: body.response_format?.json_schema?.schema,
    wantsReasoning: body.reasoning_effort !== undefined,
    signatures: [],
    thoughts: [],
  }
}

function collectContent(content: Json, texts: string[], images: { mime: string; data: string }[]): void {
  if (typeof content === 'string') texts.push(content)
  else
    for (const part of content) {
      if (part.type === 'text') texts.push(part.text)
      const [, mime, data] = /^data:([^;]+);base64,(.+)$/.exec(part.image_url?.url ?? '') ?? []
      assertValid(part.type === 'text' || data !== undefined, `unknown part ${part.type}`)
      if (mime && data) images.push({ mime, data })
    }
}

function textOf(content: Json): string {
  return typeof content === 'string' ? content : content.map(({ text }: { text: string }) => text).join('')
}
