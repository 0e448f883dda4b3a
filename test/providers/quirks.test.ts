import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import {
  answerIn,
  answerStreamText,
  answerToolCall,
  type Harness,
  type Model,
  startHarness,
} from '../hardcases/harness.js'
import {
  chunk,
  dataRecord,
  dig,
  type ProtocolName,
  protocolFixtures,
  protocolNames,
} from '../hardcases/protocol-fixtures.js'
import { answerJson, answerStream } from '../scripted-upstream.js'
import { allProvidersAt } from './all-providers-at.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, {}, allProvidersAt)
})
afterEach(() => cleanup.run())

const user = (content: unknown): object => ({ role: 'user', content })
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const call = (id: string): object => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })
const result = (tool_call_id: string): object => ({ role: 'tool', tool_call_id, content: 'done' })

describe('HC-022: Mistral accepts call ids of nine letters and digits', () => {
  const two = ['call_0fypS1hVX', 'toolu_01A/b']
  const conversations: Partial<Record<ProtocolName, object>> = {
    chat: {
      messages: [
        user('go'),
        { role: 'assistant', content: null, tool_calls: two.map(call) },
        ...two.map(result),
        { role: 'assistant', content: null, tool_calls: [call('ABCabc123')] },
        result('ABCabc123'),
      ],
    },
    messages: {
      messages: [
        user('go'),
        {
          role: 'assistant',
          content: two.map((id) => ({ type: 'tool_use', id: id.replace('/', '_'), name: 'f', input: {} })),
        },
        user(two.map((id) => ({ type: 'tool_result', tool_use_id: id.replace('/', '_'), content: 'done' }))),
        { role: 'assistant', content: [{ type: 'tool_use', id: 'ABCabc123', name: 'f', input: {} }] },
        user([{ type: 'tool_result', tool_use_id: 'ABCabc123', content: 'done' }]),
      ],
    },
    responses: {
      input: [
        user('go'),
        ...two.map((call_id) => ({ type: 'function_call', call_id, name: 'f', arguments: '{}' })),
        ...two.map((call_id) => ({ type: 'function_call_output', call_id, output: 'done' })),
        { type: 'function_call', call_id: 'ABCabc123', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'ABCabc123', output: 'done' },
      ],
    },
  }

  it.each(Object.entries(conversations))(
    'from %s: writes such ids, the same for call and result',
    async (from, fields) => {
      const ids = async (): Promise<[unknown[], unknown[]]> => {
        const [body, { headers }] = await harness.expectAccepted(from as ProtocolName, 'mistral/mistral-large', fields)
        expect(headers.get('x-modelmount-losses')).toBeNull()
        const messages = list(dig(body, 'messages'))
        return [
          messages.flatMap((message) => list(dig(message, 'tool_calls')).map((one) => dig(one, 'id'))),
          messages.flatMap((message) => dig(message, 'tool_call_id') ?? []),
        ]
      }
      const [calls, results] = await ids()
      expect(calls).toHaveLength(3)
      expect(new Set(calls).size).toBe(3)
      for (const id of calls) expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
      expect(calls.at(-1)).toBe('ABCabc123')
      expect(results).toEqual(calls)
      expect(await ids()).toEqual([calls, results])
    },
  )

  it('passes valid ids, and a body without ids, byte for byte', async () => {
    const body = '{ "model":"mistral/m",  "messages":[{"role":"user","content":"é"}] }'
    await harness.ask('chat', 'mistral/m', { body })
    expect(harness.upstream.seen.at(-1)?.body).toBe(body.replace('mistral/m', 'm'))
    const own = JSON.stringify({
      model: 'mistral/m',
      messages: [{ role: 'assistant', tool_calls: [call('ABCabc123')] }],
    })
    await harness.ask('chat', 'mistral/m', { body: `${own} ` })
    expect(harness.upstream.seen.at(-1)?.body).toBe(`${own.replace('mistral/m', 'm')} `)
  })
})

describe('Mistral', () => {
  const model: Model = 'mistral/mistral-medium-latest'

  it('gets no stream_options, since it always reports usage', async () => {
    const streamOptions = { stream: true, with: { stream_options: { include_usage: true } } }
    for (const from of ['chat', 'messages'] as const) {
      const { status, text } = await harness.ask(from, model, from === 'chat' ? streamOptions : { stream: true })
      expect(status, text).toBe(200)
      expect(harness.sent()).not.toHaveProperty('stream_options')
    }
    for (const record of harness.records) expect(record).toMatchObject({ inputTokens: 5, outputTokens: 2 })
  })

  it('gets an assistant message between tool results and the user’s text', async () => {
    const messages = [
      user('go'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 'ABCabc123', name: 'f', input: {} }] },
      user([
        { type: 'tool_result', tool_use_id: 'ABCabc123', content: 'done' },
        { type: 'text', text: 'and?' },
      ]),
    ]
    const [translated] = await harness.expectAccepted('messages', model, { messages })
    const own = [user('go'), { role: 'assistant', tool_calls: [call('ABCabc123')] }, result('ABCabc123'), user('and?')]
    const [passed] = await harness.expectAccepted('chat', model, { messages: own })
    for (const body of [translated, passed]) {
      expect(list(dig(body, 'messages')).map((message) => dig(message, 'role'))).toEqual([
        ...['user', 'assistant', 'tool', 'assistant', 'user'],
      ])
    }
    const [other] = await harness.expectAccepted('messages', 'groq/llama', { messages })
    expect(dig(other, 'messages', 3, 'role')).toBe('user')
  })

  it('returns thinking in a list of parts', async () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'said' },
    ]
    harness.upstream.script = answerJson({
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'model_length' }],
    })
    const { json } = await harness.ask('messages', model)
    expect(dig(json, 'content')).toMatchObject([
      { type: 'thinking', thinking: 'hm' },
      { type: 'text', text: 'said' },
    ])
    expect(dig(json, 'stop_reason')).toBe('model_context_window_exceeded')
  })

  it('returns errors in its own format', async () => {
    harness.upstream.script = answerJson(
      { detail: [{ loc: ['body', 'x'], msg: 'Extra inputs are not permitted' }] },
      422,
    )
    const { status, text } = await harness.ask('messages', model)
    expect([status, text.includes('Extra inputs')]).toEqual([422, true])
  })
})

describe('HC-036: Qwen thinks only in streams', () => {
  it.each(protocolNames)('collects a stream into a whole answer for %s', async (from) => {
    const deltas = [{ role: 'assistant', content: null, reasoning_content: 'hm' }, { content: 'so' }]
    const usage = { choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }
    const text =
      deltas.map((delta) => chunk(delta)).join('') + chunk({}, 'stop') + dataRecord(usage) + dataRecord('[DONE]')
    harness.upstream.script = answerStreamText(text)
    const { status, json, text: body, headers } = await harness.ask(from, 'qwen/qwen3-235b-a22b')
    expect(status, body).toBe(200)
    expect(headers.get('content-type')).toContain('application/json')
    expect(headers.get('x-modelmount-losses')).toBeNull()
    // For Gemini, the text includes the thought parts.
    expect(protocolFixtures[from].textOfAnswer(json)).toBe(from === 'gemini' ? 'hmso' : 'so')
    expect(harness.records.at(-1)).toMatchObject({ inputTokens: 5, outputTokens: 2, outcome: 'complete' })
    expect(harness.sent()).toMatchObject({ stream: true, stream_options: { include_usage: true } })
    if (from === 'chat') expect(dig(json, 'choices', 0, 'message', 'reasoning_content')).toBe('hm')
  })

  it('serves Messages, except for models with open weights', async () => {
    for (const [model, path] of [
      ['qwen3-235b-a22b', '/compatible-mode/v1/chat/completions'],
      ['qwen2.5-72b-instruct', '/compatible-mode/v1/chat/completions'],
      ['qwen3-max', '/apps/anthropic/v1/messages'],
      ['qwen-plus-2025-09-11', '/apps/anthropic/v1/messages'],
    ]) {
      await harness.ask('messages', `qwen/${model}`, { stream: true })
      expect([model, harness.upstream.seen.at(-1)?.url]).toEqual([model, path])
    }
  })

  it("keeps the client's enable_thinking, and requests no stream of models that do not think", async () => {
    harness.upstream.script = answerIn('chat', 'so')
    const [body] = await harness.expectAccepted('chat', 'qwen/qwen3-32b', { enable_thinking: true })
    expect(body).toMatchObject({ enable_thinking: true, stream: true })
    const [plain] = await harness.expectAccepted('chat', 'qwen/qwen3-coder-plus', {})
    expect(plain).toMatchObject({ stream: false })
    expect(plain).not.toHaveProperty('stream_options')
  })

  it('passes a requested stream unchanged', async () => {
    const { text } = await harness.ask('chat', 'qwen/qwen3-32b', {
      stream: true,
      with: { stream_options: { include_usage: true } },
    })
    expect(text).toBe(protocolFixtures.chat.streamed('ok'))
  })

  it('returns errors, and errors in the collected stream', async () => {
    harness.upstream.script = answerJson({ error: { message: 'no', code: 'invalid_parameter_error' } }, 400)
    expect((await harness.ask('chat', 'qwen/qwen3-32b')).status).toBe(400)
    harness.upstream.script = answerStreamText(dataRecord({ error: { message: 'Busy', code: 'ServiceUnavailable' } }))
    expect((await harness.ask('chat', 'qwen/qwen3-32b')).status).toBeGreaterThanOrEqual(500)
  })
})

describe('HC-037: a prefilled answer', () => {
  it.each<[Model, string]>([
    ['moonshot/kimi-k2.5', 'partial'],
    ['deepseek/deepseek-v4-pro', 'prefix'],
    ['mistral/mistral-small', 'prefix'],
  ])('is passed to %s with %s', async (model, mark) => {
    const messages = [user('x'), { role: 'assistant', content: '{"name":', [mark]: true }]
    const [body, { json }] = await harness.expectAccepted('chat', model, { messages })
    expect(dig(body, 'messages', 1)).toMatchObject({ role: 'assistant', content: '{"name":', [mark]: true })
    // The answer does not repeat the prefilled text.
    expect(protocolFixtures.chat.textOfAnswer(json)).toBe('ok')
  })
})

describe('HC-046: past reasoning is sent to providers that require it', () => {
  const history = [
    user('go'),
    { role: 'assistant', content: 'a', reasoning_content: 'deep' },
    user('on'),
    { role: 'assistant', content: null, tool_calls: [call('ABCabc123')] },
    result('ABCabc123'),
  ]
  const echoes = (body: unknown): unknown[] => [1, 3].map((at) => dig(body, 'messages', at, 'reasoning_content'))

  it.each<[Model, unknown[]]>([
    ['deepseek/deepseek-v4-pro', ['deep', '']],
    ['moonshot/kimi-k2.5', ['deep', ' ']],
    ['moonshot/kimi-k2-thinking', ['deep', ' ']],
    // Not required there, but accepted.
    ['moonshot/moonshot-v1-8k', ['deep', undefined]],
    ['vllm/m', ['deep', undefined]],
    // Refused there, so not sent.
    ['openai/gpt-5-mini', [undefined, undefined]],
    ['azure/gpt-5-mini', [undefined, undefined]],
    ['groq/llama', [undefined, undefined]],
    ['mistral/mistral-small', [undefined, undefined]],
  ])('within Chat Completions: %s, %j', async (model, expected) => {
    const [body] = await harness.expectAccepted('chat', model, { messages: history })
    expect(echoes(body)).toEqual(expected)
    expect(list(dig(body, 'messages'))).toHaveLength(5)
  })

  it('also if the client names it reasoning', async () => {
    const messages = [user('go'), { role: 'assistant', content: 'a', reasoning: 'deep' }, user('on')]
    const [body] = await harness.expectAccepted('chat', 'deepseek/deepseek-v4-pro', { messages })
    expect(dig(body, 'messages', 1, 'reasoning_content')).toBe('deep')
  })

  it('DeepSeek requires it in every assistant message', async () => {
    const messages = [user('go'), { role: 'assistant', content: 'a' }, user('on')]
    const [deepseek] = await harness.expectAccepted('chat', 'deepseek/deepseek-v4-pro', { messages })
    expect(dig(deepseek, 'messages', 1, 'reasoning_content')).toBe('')
    const [kimi] = await harness.expectAccepted('chat', 'moonshot/kimi-k2.5', { messages })
    expect(dig(kimi, 'messages', 1)).toEqual(messages[1])
  })

  it.each<[Model, string]>([
    ['deepseek/deepseek-v4-pro', ''],
    ['moonshot/kimi-k2.6', ' '],
  ])('from Gemini clients to %s, with %j where it is missing', async (model, lost) => {
    const thinking = {
      ...(dig(protocolFixtures.chat.whole('a'), 'choices', 0, 'message') as object),
      reasoning_content: 'deep',
    }
    harness.upstream.script = answerJson({ choices: [{ index: 0, message: thinking, finish_reason: 'stop' }] })
    const { json } = await harness.ask('gemini', model)
    const parts = list(dig(json, 'candidates', 0, 'content', 'parts'))
    expect(parts[0]).toMatchObject({ text: 'deep', thought: true })
    harness.upstream.script = answerIn('chat', 'ok')
    const contents = [
      { role: 'user', parts: [{ text: 'go' }] },
      { role: 'model', parts },
      { role: 'user', parts: [{ text: 'on' }] },
      { role: 'model', parts: [{ functionCall: { name: 'f', args: {} } }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response: { a: 1 } } }] },
    ]
    const [body] = await harness.expectAccepted('gemini', model, { contents })
    expect(echoes(body)).toEqual(['deep', lost])
  })

  it('MiniMax gets it back in reasoning_details', async () => {
    const details = [{ type: 'reasoning.text', id: 'r1', format: 'MiniMax-response-v1', index: 0, text: 'deep' }]
    const message = { role: 'assistant', content: 'a', reasoning_details: details }
    harness.upstream.script = answerJson({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
    const { json } = await harness.ask('gemini', 'minimax/MiniMax-M2.7')
    const parts = list(dig(json, 'candidates', 0, 'content', 'parts'))
    harness.upstream.script = answerIn('chat', 'ok')
    const contents = [
      { role: 'user', parts: [{ text: 'go' }] },
      { role: 'model', parts },
      { role: 'user', parts: [{ text: 'on' }] },
    ]
    const [body] = await harness.expectAccepted('gemini', 'minimax/MiniMax-M2.7', { contents })
    expect(dig(body, 'messages', 1)).toMatchObject({
      content: 'a',
      reasoning_details: [{ type: 'reasoning.text', text: 'deep' }],
    })
    expect(dig(body, 'messages', 1)).not.toHaveProperty('reasoning_content')
  })
})

describe('answers', () => {
  it('HC-072: skips Azure’s filter results', async () => {
    const filter = { choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [] }
    const late = {
      id: '',
      choices: [{ index: 0, finish_reason: null, content_filter_results: {}, content_filter_offsets: {} }],
    }
    harness.upstream.script = answerStreamText(
      dataRecord(filter) +
        chunk({ role: 'assistant', content: 'so' }) +
        dataRecord(late) +
        chunk({}, 'stop') +
        dataRecord('[DONE]'),
    )
    const { records } = await harness.ask('messages', 'azure/my-deployment', { stream: true })
    expect(protocolFixtures.messages.textOfRecords(records)).toBe('so')
    expect(records.map((record) => dig(record, 'type'))).toEqual([
      ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ])
  })

  it('HC-084: adds xAI’s separate reasoning tokens, except in its Responses', async () => {
    const counts = { completion_tokens_details: { reasoning_tokens: 317 } }
    const usage = { prompt_tokens: 12, completion_tokens: 2, total_tokens: 331, ...counts }
    harness.upstream.script = answerJson({ ...protocolFixtures.chat.whole('ok'), usage })
    for (const from of ['chat', 'messages', 'gemini'] as const) await harness.ask(from, 'xai/grok-4.3')
    for (const record of harness.records)
      expect(record).toMatchObject({ inputTokens: 12, outputTokens: 319, reasoningTokens: 317 })
    const responsesUsage = {
      input_tokens: 12,
      output_tokens: 319,
      total_tokens: 331,
      output_tokens_details: { reasoning_tokens: 317 },
    }
    harness.upstream.script = answerJson({ ...protocolFixtures.responses.whole('ok'), usage: responsesUsage })
    await harness.ask('responses', 'xai/grok-4.3')
    expect(harness.records.at(-1)).toMatchObject({ outputTokens: 319, reasoningTokens: 317 })
  })

  const counted = { usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 } }
  it.each<[Model, string]>([
    ['groq/llama-3.3-70b-versatile', chunk({ content: 'ab' }) + chunk({}, 'stop', { x_groq: { id: 'r', ...counted } })],
    [
      'moonshot/kimi-k2.5',
      chunk({ content: 'ab' }) + dataRecord({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', ...counted }] }),
    ],
    [
      'vllm/m',
      chunk({ content: 'a' }, null, { usage: { prompt_tokens: 5, completion_tokens: 1 } }) +
        chunk({ content: 'b' }, 'stop', counted),
    ],
    [
      'deepseek/m',
      chunk({ content: 'ab' }) +
        chunk({}, 'stop', { usage: { ...counted.usage, prompt_cache_hit_tokens: 3, prompt_cache_miss_tokens: 2 } }),
    ],
  ])('HC-085: finds usage where %s has it', async (model, text) => {
    harness.upstream.script = answerStreamText(text + dataRecord('[DONE]'))
    for (const from of ['chat', 'gemini'] as const) await harness.ask(from, model, { stream: true })
    for (const record of harness.records) expect(record).toMatchObject({ inputTokens: 5, outputTokens: 2 })
    if (model === 'deepseek/m') expect(harness.records[0]).toMatchObject({ cachedInputTokens: 3 })
  })

  it('HC-092, HC-093: detects OpenRouter’s errors with status 200', async () => {
    const scripts = [
      answerStreamText(
        dataRecord({
          choices: [{ delta: { content: '' }, finish_reason: 'error', native_finish_reason: 'network_error' }],
        }),
      ),
      answerStreamText(
        dataRecord({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', native_finish_reason: 'error' }] }),
      ),
      answerJson({ error: { message: 'Provider returned error', code: 502, metadata: { raw: '…' } } }),
    ]
    for (const script of scripts) {
      harness.upstream.script = script
      const { status } = await harness.ask('gemini', 'openrouter/v/m', { stream: true })
      expect(status).toBeGreaterThanOrEqual(500)
    }
  })

  it('HC-113, HC-117: skips comments of OpenRouter and DeepSeek, and ends at the first [DONE]', async () => {
    const text = `: OPENROUTER PROCESSING\n\n${chunk({ content: 'ab' })}: keep-alive\n\n${chunk({}, 'stop')}data: [DONE]\n\ndata: [DONE]\n\n`
    for (const model of ['openrouter/v/m', 'deepseek/deepseek-v4-pro'] as const) {
      harness.upstream.script = answerStreamText(text)
      const { records } = await harness.ask('gemini', model, { stream: true })
      expect(protocolFixtures.gemini.textOfRecords(records)).toBe('ab')
    }
  })

  it('HC-116: skips DeepSeek’s blank lines before a whole answer', async () => {
    harness.upstream.script = answerStream(['\n\n', '\n\n', JSON.stringify(protocolFixtures.chat.whole('ab'))], 5)
    for (const from of protocolNames.filter((one) => one === 'chat' || one === 'gemini')) {
      const { status, json } = await harness.ask(from, 'deepseek/deepseek-v4-pro')
      expect([status, protocolFixtures[from].textOfAnswer(json)]).toEqual([200, 'ab'])
    }
  })

  it('separates Ollama’s calls, which all have index 0 and finish with stop', async () => {
    const calls = ['a', 'b'].map((id) => chunk({ tool_calls: [{ index: 0, ...call(id) }] }))
    harness.upstream.script = answerStreamText(calls.join('') + chunk({}, 'stop') + dataRecord('[DONE]'))
    const { records } = await harness.ask('gemini', 'ollama/llama3.2', { stream: true })
    const names = records.flatMap((record) =>
      list(dig(record, 'candidates', 0, 'content', 'parts')).flatMap((part) => dig(part, 'functionCall', 'name') ?? []),
    )
    expect(names).toEqual(['f', 'f'])
    harness.upstream.script = answerToolCall('f', '{}')
    expect((await harness.ask('gemini', 'ollama/llama3.2')).status).toBe(200)
  })

  it.each<[Model, number, object]>([
    ['ollama/m', 404, { error: 'model "m" not found' }],
    [
      'vllm/m',
      400,
      { object: 'error', message: 'maximum context length is 32768 tokens', type: 'BadRequestError', code: 400 },
    ],
    [
      'mistral/m',
      400,
      { object: 'error', message: 'Tool call id was x', type: 'invalid_request_error', param: null, code: '3280' },
    ],
    ['azure/m', 404, { error: { code: 'DeploymentNotFound', message: 'The API deployment does not exist.' } }],
  ])('reads the error format of %s', async (model, status, body) => {
    harness.upstream.script = answerJson(body, status)
    const response = await harness.ask('gemini', model)
    expect(response.status).toBe(status)
    expect(String(dig(response.json, 'error', 'message')).length).toBeGreaterThan(10)
  })
})
