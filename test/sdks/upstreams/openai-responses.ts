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

const SEALED = 'gAAAAABSZXNwb25zZXNTZWFsZWQ='
const usage = {
  input_tokens: USAGE.input,
  input_tokens_details: { cached_tokens: USAGE.cached, cache_write_tokens: 0 },
  output_tokens: USAGE.output,
  output_tokens_details: { reasoning_tokens: USAGE.reasoning },
  total_tokens: USAGE.input + USAGE.output,
}

/** Responses, from a model that encrypts its reasoning. */
export const openaiResponses: UpstreamProtocol = {
  id: 'openai-responses',
  model: 'gpt-5',
  signature: SEALED,
  provider: (port) => ({
    type: 'openai',
    baseURL: `http://127.0.0.1:${port}/v1`,
    apiKey: 'sk-up',
    speaks: ['openai-responses'],
  }),
  isStreamed: (_url, body) => body.stream === true,
  whole: (words) => response('completed', items(words), usage),
  records,
  errorBody: (status, message) => ({ error: { message, param: null, ...KINDS[status] } }),
  errorRecord: (message) => {
    const failed = { ...response('failed', [], null), error: { code: 'server_error', message } }
    return sse({ type: 'response.failed', sequence_number: 99, response: failed }, 'response.failed')
  },
  readRequest,
  counting: {
    path: /^\/v1\/responses\/input_tokens$/,
    answer: (input_tokens) => ({ object: 'response.input_tokens', input_tokens }),
  },
}

const KINDS: Record<number, object> = {
  400: { type: 'invalid_request_error', code: null },
  429: { type: 'rate_limit_error', code: 'rate_limit_exceeded' },
  529: { type: 'server_error', code: 'overloaded' },
}

function response(status: string, output: readonly object[], used: object | null): object {
  const settings = { instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, top_p: 1 }
  const more = {
    error: null,
    incomplete_details: null,
    tool_choice: 'auto',
    tools: [],
    text: { format: { type: 'text' } },
  }
  const head = { id: 'resp_up', object: 'response', created_at: 1, model: 'gpt-5', status }
  return { ...head, output, ...settings, ...more, usage: used }
}

function items({ reasoning, text, calls = [] }: AnswerContent): object[] {
  const summary = [{ type: 'summary_text', text: reasoning }]
  return [
    ...(reasoning ? [{ id: 'rs_1', type: 'reasoning', summary, encrypted_content: SEALED }] : []),
    ...(text ? [message([{ ...PART, text: text.join('') }], 'completed')] : []),
    ...calls.map(({ id, name, input }) => call(id, name, JSON.stringify(input), 'completed')),
  ]
}

const PART = { type: 'output_text', text: '', annotations: [], logprobs: [] }

function message(content: readonly object[], status: string): object {
  return { id: 'msg_1', type: 'message', role: 'assistant', status, content }
}

function call(call_id: string, name: string, text: string, status: string): object {
  return { id: `fc_${call_id}`, type: 'function_call', call_id, name, arguments: text, status }
}

function records(words: AnswerContent): string[] {
  let sequence_number = 0
  const record = (type: string, more: object): string =>
    sse({ type, sequence_number: sequence_number++, ...more }, type)
  const begun = response('in_progress', [], null)
  const done = items(words)
  return [
    record('response.created', { response: begun }),
    record('response.in_progress', { response: begun }),
    ...done.flatMap((item, output_index) => [
      record('response.output_item.added', { output_index, item: opened(item) }),
      ...grow(item, words).map(([type, more]) => record(type, { item_id: (item as Json).id, output_index, ...more })),
      record('response.output_item.done', { output_index, item }),
    ]),
    record('response.completed', { response: response('completed', done, usage) }),
  ]
}

function opened(item: Json): object {
  if (item.type === 'reasoning') return { id: item.id, type: 'reasoning', summary: [] }
  return item.type === 'message' ? message([], 'in_progress') : call(item.call_id, item.name, '', 'in_progress')
}

function grow(item: Json, { text = [] }: AnswerContent): [string, object][] {
  if (item.type === 'reasoning') {
    const place = { summary_index: 0 }
    const [part] = item.summary
    return [
      ['response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } }],
      ...splitText(part.text).map((delta) => growth('response.reasoning_summary_text.delta', { ...place, delta })),
      ['response.reasoning_summary_text.done', { ...place, text: part.text }],
      ['response.reasoning_summary_part.done', { ...place, part }],
    ]
  }
  if (item.type === 'function_call') {
    return [
      ...splitText(item.arguments).map((delta) => growth('response.function_call_arguments.delta', { delta })),
      ['response.function_call_arguments.done', { name: item.name, arguments: item.arguments }],
    ]
  }
  const place = { content_index: 0 }
  const [part] = item.content
  return [
    ['response.content_part.added', { ...place, part: PART }],
    ...text.map((delta) => growth('response.output_text.delta', { ...place, delta, logprobs: [] })),
    ['response.output_text.done', { ...place, text: part.text, logprobs: [] }],
    ['response.content_part.done', { ...place, part }],
  ]
}

function growth(type: string, more: object): [string, object] {
  return [type, more]
}

function readRequest(body: Json): ReceivedRequest {
  const input: Json[] = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : body.input
  const texts: string[] = []
  const images: { mime: string; data: string }[] = []
  for (const item of input) if (item.role === 'user') collectContent(item.content, texts, images)
  const exchanges = input.filter(({ type }) => type === 'function_call').map((one) => toolExchangeOf(one, input))
  const results = input.filter(({ type }) => type === 'function_call_output')
  assertValid(results.length === exchanges.length, 'No tool call found for function call output')
  const reasoning = input.filter(({ type }) => type === 'reasoning')
  for (const { summary, encrypted_content } of reasoning) {
    assertValid(Array.isArray(summary), 'Missing required parameter: summary')
    assertValid(encrypted_content === SEALED, 'invalid_encrypted_content')
  }
  return {
    texts,
    images,
    exchanges,
    tools: (body.tools ?? []).map(({ name }: Json) => name),
    schema: body.text?.format?.schema,
    wantsReasoning: body.reasoning?.effort !== undefined,
    signatures: reasoning.map(({ encrypted_content }) => encrypted_content),
    thoughts: reasoning.map(({ summary }) => summary.map(({ text }: Json) => text).join('')),
  }
}

function toolExchangeOf({ call_id, name, arguments: text }: Json, input: readonly Json[]): ToolExchange {
  const result = input.find((item) => item.type === 'function_call_output' && item.call_id === call_id)
  assertValid(result !== undefined, `No tool output found for function call ${call_id}`)
  const { output } = result
  const said = typeof output === 'string' ? output : output.map((part: Json) => part.text).join('')
  return { name, input: JSON.parse(text), result: said }
}

function collectContent(content: Json, texts: string[], images: { mime: string; data: string }[]): void {
  if (typeof content === 'string') texts.push(content)
  else
    for (const part of content) {
      if (part.type === 'input_text') texts.push(part.text)
      const [, mime, data] = /^data:([^;]+);base64,(.+)$/.exec(part.image_url ?? '') ?? []
      assertValid(part.type === 'input_text' || data !== undefined, `unknown part ${part.type}`)
      if (mime && data) images.push({ mime, data })
    }
}
