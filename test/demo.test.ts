import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoUpstream, startDemo } from '../src/demo/upstream.js'

let demo: DemoUpstream
let client: OpenAI

beforeAll(async () => {
  demo = await startDemo()
  client = new OpenAI({ baseURL: demo.baseURL, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => demo.close())

const hello = [{ role: 'user' as const, content: 'Hello there' }]

const weather: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: {
      type: 'object',
      properties: {
        place: { type: 'string' },
        unit: { enum: ['C', 'F'] },
        days: { type: 'integer', minimum: 2 },
        note: { type: 'string' },
        hours: { type: 'array', items: { type: 'number' } },
      },
      required: ['place', 'unit', 'days', 'hours'],
    },
  },
}
const INPUT = { place: 'Hello there', unit: 'C', days: 2, hours: [1] }

describe('the demo upstream', () => {
  it('listens on an address that only this machine can reach', () => {
    expect(demo.baseURL).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/v1$/)
  })

  it('echoes the last user message, with usage that adds up', async () => {
    const messages = [
      { role: 'user' as const, content: 'First' },
      { role: 'assistant' as const, content: 'Yes' },
      ...hello,
    ]
    const { choices, usage, model } = await client.chat.completions.create({ model: 'demo', messages })
    expect(choices[0]?.message.content).toContain('You said: "Hello there".')
    expect(choices[0]?.finish_reason).toBe('stop')
    expect(model).toBe('demo')
    expect(usage?.completion_tokens).toBe(choices[0]?.message.content?.split(' ').length)
    expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0))
  })

  it('reads content parts, and does not cut a long echo inside a character', async () => {
    const content = [{ type: 'text' as const, text: `a${'😀'.repeat(500)}` }]
    const { choices } = await client.chat.completions.create({ model: 'demo', messages: [{ role: 'user', content }] })
    expect(choices[0]?.message.content).toContain(`"a${'😀'.repeat(199)}…".`)
  })

  it('streams word by word with pauses, and the same words as a whole answer', async () => {
    const whole = await client.chat.completions.create({ model: 'demo', messages: hello })
    const words: string[] = []
    const times: number[] = []
    for await (const { choices, usage } of await client.chat.completions.create({
      model: 'demo',
      messages: hello,
      stream: true,
    })) {
      expect(usage).toBeUndefined()
      const content = choices[0]?.delta.content
      if (!content) continue
      words.push(content)
      times.push(performance.now())
    }
    expect(words.join('')).toBe(whole.choices[0]?.message.content)
    expect(words.length).toBeGreaterThan(10)
    const averageMs = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / (times.length - 1)
    expect(averageMs).toBeGreaterThan(20)
  })

  it('reports the usage of a stream in its last chunk, on request', async () => {
    const stream = await client.chat.completions.create({
      model: 'demo',
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: chunks.length - 3 } })
  })

  it('calls a tool with input that fits its schema, whole and streamed', async () => {
    const request = { model: 'demo', messages: hello, tools: [weather] }
    const { choices } = await client.chat.completions.create(request)
    const call = choices[0]?.message.tool_calls?.[0]
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
    expect(call?.type === 'function' && JSON.parse(call.function.arguments)).toEqual(INPUT)
    const streamed = await client.chat.completions.stream(request).finalChatCompletion()
    const streamedCall = streamed.choices[0]?.message.tool_calls?.[0]
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls')
    expect(streamedCall?.function.name).toBe('weather')
    expect(JSON.parse(streamedCall?.function.arguments ?? '')).toEqual(INPUT)
  })

  it('calls the tool that tool_choice names, and none for `none`', async () => {
    const tools = [weather, { type: 'function' as const, function: { name: 'clock', parameters: {} } }]
    const toolChoice = { type: 'function' as const, function: { name: 'clock' } }
    const request = { model: 'demo', messages: hello, tools }
    const clock = await client.chat.completions.create({ ...request, tool_choice: toolChoice })
    expect(clock.choices[0]?.message.tool_calls).toMatchObject([{ function: { name: 'clock' } }])
    const none = await client.chat.completions.create({ ...request, tool_choice: 'none' })
    expect(none.choices[0]?.message.tool_calls).toBeUndefined()
  })

  it('repeats the result of the tool', async () => {
    const call = { id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{}' } }
    const { choices } = await client.chat.completions.create({
      model: 'demo',
      tools: [weather],
      messages: [
        ...hello,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' },
      ],
    })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'The tool answered: 21 degrees' } })
  })

  it('follows a schema, and stops at the output limit', async () => {
    const schema = { type: 'object', properties: { mood: { enum: ['good'] } } }
    const structured = await client.chat.completions.create({
      model: 'demo',
      messages: hello,
      response_format: { type: 'json_schema', json_schema: { name: 'mood', schema } },
    })
    expect(JSON.parse(structured.choices[0]?.message.content ?? '')).toEqual({ mood: 'good' })
    const short = await client.chat.completions.create({ model: 'demo', messages: hello, max_completion_tokens: 2 })
    expect(short.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: 'You said:' } })
  })
})

describe('the demo models that fail', () => {
  it.each([
    ['demo-500', OpenAI.InternalServerError, { status: 500, type: 'server_error' }],
    ['demo-429', OpenAI.RateLimitError, { status: 429, code: 'rate_limit_exceeded' }],
    ['demo-none', OpenAI.NotFoundError, { status: 404, code: 'model_not_found' }],
  ])('%s', async (model, kind, fields) => {
    const error: unknown = await client.chat.completions.create({ model, messages: hello }).catch((caught) => caught)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject(fields)
    const retryAfter = error instanceof OpenAI.APIError ? error.headers?.get('retry-after') : undefined
    expect(retryAfter ?? null).toBe(model === 'demo-429' ? '1' : null)
  })

  it('demo-cut breaks off in the middle, streamed or not', async () => {
    await expect(client.chat.completions.create({ model: 'demo-cut', messages: hello })).rejects.toThrow()
    const chunks: unknown[] = []
    const stream = await client.chat.completions.create({ model: 'demo-cut', messages: hello, stream: true })
    const reading = (async () => {
      for await (const chunk of stream) chunks.push(chunk)
    })()
    await expect(reading).rejects.toThrow('terminated')
    expect(chunks.length).toBeGreaterThan(5)
  })

  it('demo-slow takes long', async () => {
    const signal = AbortSignal.timeout(1000)
    const pending = client.chat.completions.create({ model: 'demo-slow', messages: hello }, { signal })
    await expect(pending).rejects.toThrow(OpenAI.APIUserAbortError)
  })

  it('refuses a body that is not JSON, and other paths', async () => {
    const post = (path: string): Promise<Response> => fetch(demo.baseURL + path, { method: 'POST', body: '[' })
    expect((await post('/chat/completions')).status).toBe(400)
    expect((await post('/elsewhere')).status).toBe(404)
  })
})
