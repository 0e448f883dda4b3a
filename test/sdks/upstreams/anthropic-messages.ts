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

const SIGNATURE = 'RXJyQW50aHJvcGljU2lnbmF0dXJl'
const HEAD = { id: 'msg_up', type: 'message', role: 'assistant', model: 'claude-sonnet-4-5' }
const END = { stop_sequence: null, stop_details: null, container: null }
const usage = {
  input_tokens: USAGE.input - USAGE.cached - 3,
  cache_read_input_tokens: USAGE.cached,
  cache_creation_input_tokens: 3,
  output_tokens: USAGE.output,
  output_tokens_details: { thinking_tokens: USAGE.reasoning },
}

type Image = { readonly mime: string; readonly data: string }

/** Messages, from a model with budget thinking that requires its signatures back. */
export const anthropicMessages: UpstreamProtocol = {
  id: 'anthropic-messages',
  model: 'claude-sonnet-4-5',
  signature: SIGNATURE,
  provider: (port) => ({ type: 'anthropic', baseURL: `http://127.0.0.1:${port}`, apiKey: 'sk-ant-up' }),
  isStreamed: (_url, body) => body.stream === true,
  whole: (words) => ({
    ...HEAD,
    content: blocks(words),
    stop_reason: reason(words),
    ...END,
    usage: { ...usage, service_tier: 'standard' },
  }),
  records,
  errorBody: (status, message) => ({ type: 'error', error: { type: TYPES[status], message }, request_id: 'req_up' }),
  errorRecord: (message) => sse({ type: 'error', error: { type: 'overloaded_error', message } }, 'error'),
  readRequest,
  counting: { path: /^\/v1\/messages\/count_tokens$/, answer: (input_tokens) => ({ input_tokens }) },
}

const TYPES: Record<number, string> = {
  400: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
}

function blocks({ reasoning, text, calls = [] }: AnswerContent): object[] {
  return [
    ...(reasoning ? [{ type: 'thinking', thinking: reasoning, signature: SIGNATURE }] : []),
    ...(text ? [{ type: 'text', text: text.join('') }] : []),
    ...calls.map((call) => ({ type: 'tool_use', ...call })),
  ]
}

function reason({ calls = [] }: AnswerContent): string {
  return calls.length > 0 ? 'tool_use' : 'end_turn'
}

function records(words: AnswerContent): string[] {
  const { reasoning, text, calls = [] } = words
  const record = (type: string, more: object = {}): string => sse({ type, ...more }, type)
  let index = 0
  const block = (content_block: object, deltas: readonly object[]): string[] => [
    record('content_block_start', { index, content_block }),
    ...deltas.map((delta) => record('content_block_delta', { index, delta })),
    record('content_block_stop', { index: index++ }),
  ]
  const message = { ...HEAD, content: [], stop_reason: null, ...END, usage: { ...usage, output_tokens: 1 } }
  const thoughts = splitText(reasoning ?? '').map((thinking) => ({ type: 'thinking_delta', thinking }))
  return [
    record('message_start', { message }),
    record('ping'),
    ...(reasoning
      ? block({ type: 'thinking', thinking: '', signature: '' }, [
          ...thoughts,
          { type: 'signature_delta', signature: SIGNATURE },
        ])
      : []),
    ...(text
      ? block(
          { type: 'text', text: '' },
          text.map((piece) => ({ type: 'text_delta', text: piece })),
        )
      : []),
    ...calls.flatMap((call) =>
      block(
        { type: 'tool_use', ...call, input: {} },
        ['', ...splitText(JSON.stringify(call.input))].map((partial_json) => ({
          type: 'input_json_delta',
          partial_json,
        })),
      ),
    ),
    record('message_delta', { delta: { stop_reason: reason(words), ...END }, usage }),
    record('message_stop'),
  ]
}

function readRequest(body: Json): ReceivedRequest {
  const received = { texts: [] as string[], images: [] as Image[], exchanges: [] as ToolExchange[] }
  const messages = body.messages.map(({ role, content }: Json) => ({ role, content: listOf(content) }))
  const signatures: string[] = []
  const thoughts: string[] = []
  let results = 0
  for (const [index, { role, content }] of messages.entries()) {
    assertValid(role !== messages[index - 1]?.role, 'roles must alternate')
    if (role === 'user') for (const block of content) collectContent(block, received)
    results += content.filter(({ type }: Json) => type === 'tool_result').length
    const calls = content.filter(({ type }: Json) => type === 'tool_use')
    const answers = messages[index + 1]?.content.slice(0, calls.length) ?? []
    for (const { id, name, input } of calls) {
      const answer = answers.find(({ tool_use_id }: Json) => tool_use_id === id)
      assertValid(answer !== undefined, 'tool_use ids were found without tool_result blocks immediately after')
      const result = listOf(answer.content).map(({ text }) => text)
      received.exchanges.push({ name, input, result: result.join('') })
    }
    for (const block of content) {
      if (block.type === 'thinking') signatures.push(block.signature)
      if (block.type === 'thinking') thoughts.push(block.thinking)
    }
    const thinks = body.thinking?.type === 'enabled' && calls.length > 0
    assertValid(!thinks || content[0].type === 'thinking', 'Expected thinking, but found tool_use')
  }
  assertValid(results === received.exchanges.length, 'a result without its call')
  assertValidThinking(body, signatures)
  return {
    ...received,
    signatures,
    thoughts,
    tools: (body.tools ?? []).map(({ name }: Json) => name),
    schema: (body.output_config?.format ?? body.output_format)?.schema,
    wantsReasoning: ['enabled', 'adaptive'].includes(body.thinking?.type),
  }
}

function assertValidThinking({ max_tokens, thinking }: Json, signatures: readonly string[]): void {
  const areOwn = signatures.every((one) => one === SIGNATURE)
  assertValid(areOwn, 'Invalid signature in thinking block')
  assertValid(max_tokens > (thinking?.budget_tokens ?? 0), 'max_tokens must be greater than thinking.budget_tokens')
}

function listOf(content: Json): Json[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

function collectContent(block: Json, received: { texts: string[]; images: Image[] }): void {
  if (block.type === 'text') received.texts.push(block.text)
  else if (block.type === 'image') received.images.push({ mime: block.source.media_type, data: block.source.data })
  else assertValid(block.type === 'tool_result', `unknown block ${block.type}`)
}
