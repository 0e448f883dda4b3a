import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { type Harness, startHarness } from './harness.js'
import { dig } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const call = (id: string, name = 'w', args = '{"c":"A"}'): object => ({
  id,
  type: 'function',
  function: { name, arguments: args },
})
const calls = (...tool_calls: object[]): object => ({ role: 'assistant', content: null, tool_calls })
const user = (content: unknown): object => ({ role: 'user', content })
const tool = (tool_call_id: string, content: unknown): object => ({ role: 'tool', tool_call_id, content })

describe('from Chat Completions to Messages', () => {
  it('HC-001: writes results of parallel calls as one message, before the text', async () => {
    const messages = [user('w?'), calls(call('c1'), call('c2')), tool('c2', '2'), tool('c1', '1'), user('and now?')]
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { messages })
    expect(dig(body, 'messages')).toMatchObject([
      { role: 'user' },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'c1' },
          { type: 'tool_use', id: 'c2' },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'c2', content: '2' },
          { type: 'tool_result', tool_use_id: 'c1', content: '1' },
          { type: 'text', text: 'and now?' },
        ],
      },
    ])
  })

  it('HC-002: adds a failed result for a call without one', async () => {
    const messages = [user('w?'), calls(call('c1'), call('c2')), tool('c1', '1'), user('go on')]
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { messages })
    const missing = { type: 'tool_result', tool_use_id: 'c2', is_error: true, content: '[no result was supplied]' }
    expect(dig(body, 'messages', 2, 'content')).toMatchObject([{ tool_use_id: 'c1' }, missing, { text: 'go on' }])
  })

  it('HC-002: refuses a result without a call, with its path', async () => {
    const messages = [user('w?'), tool('c9', '1'), user('go on')]
    expect(await harness.expectRefused('chat', 'messages/claude-opus-4-5', { messages })).toMatchObject({
      param: 'messages[1]',
    })
  })

  it('HC-004: drops sampling with losses where the model does not support it', async () => {
    const fields = { temperature: 0.2, top_p: 0.9 }
    const [body, { headers }] = await harness.expectAccepted('chat', 'messages/claude-sonnet-5-5', fields)
    expect(body).not.toHaveProperty('temperature')
    expect(body).not.toHaveProperty('top_p')
    expect(headers.get('x-modelmount-losses')).toMatch(/temperature: .*; top_p: /)
    expect((await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { temperature: 0.2 }))[0]).toMatchObject({
      temperature: 0.2,
    })
  })

  it('HC-005: passes on anthropic-version and anthropic-beta, with 2023-06-01 as the default version', async () => {
    for (const [given, expected] of [
      ['2026-10-21', '2026-10-21'],
      ['2023-06-01', '2023-06-01'],
      [undefined, '2023-06-01'],
    ]) {
      const headers = { ...(given && { 'anthropic-version': given }), 'anthropic-beta': 'new-thing-2026-11-01' }
      const [body] = await harness.expectAccepted(
        'messages',
        'messages/claude-opus-4-5',
        { temperature: 0.3 },
        { headers },
      )
      const seen = harness.upstream.seen.at(-1)?.headers ?? {}
      expect([seen['anthropic-version'], seen['anthropic-beta']]).toEqual([expected, 'new-thing-2026-11-01'])
      expect(body).toMatchObject({ temperature: 0.3 })
    }
    await harness.expectAccepted(
      'chat',
      'messages/claude-opus-4-5',
      {},
      { headers: { 'anthropic-version': '2026-10-21' } },
    )
    expect(harness.upstream.seen.at(-1)?.headers['anthropic-version']).toBe('2023-06-01')
  })

  it('HC-006: accepts a key as Bearer or x-api-key, prefers x-api-key, and passes neither on', async () => {
    const good = 'sk-caller-00000001'
    const bearer = { authorization: `Bearer ${good}` }
    const rows: [Record<string, string>, number][] = [
      [bearer, 200],
      [{ 'x-api-key': good }, 200],
      [{ 'x-api-key': good, authorization: 'Bearer sk-wrong' }, 200],
      [{ 'x-api-key': 'sk-wrong', ...bearer }, 401],
    ]
    for (const [headers, status] of rows) {
      const response = await harness.ask('messages', 'messages/claude-opus-4-5', { headers, key: '' })
      expect(response.status).toBe(status)
      if (status === 401)
        expect(response.json).toMatchObject({ type: 'error', error: { type: 'authentication_error' } })
    }
    expect(harness.upstream.seen).toHaveLength(3)
    for (const { headers } of harness.upstream.seen) {
      expect(headers['x-api-key']).toBe('sk-upstream-000000A1')
      expect(headers.authorization).toBeUndefined()
    }
  })

  it('HC-009: fills in the model’s maximum for a missing max_tokens', async () => {
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-5-5', {})
    expect(body).toMatchObject({ max_tokens: 64_000 })
    expect((await harness.expectAccepted('chat', 'messages/claude-3-haiku', {}))[0]).toMatchObject({ max_tokens: 4096 })
  })

  it('HC-012: passes a prefilled answer on without trailing white space', async () => {
    const messages = [user('2+2?'), { role: 'assistant', content: 'The answer is ( ' }]
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { messages })
    expect(dig(body, 'messages', -1)).toMatchObject({ role: 'assistant', content: [{ text: 'The answer is (' }] })
  })

  const jpeg = '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQ=='
  const image = (url: string): object => user([{ type: 'image_url', image_url: { url } }])

  it('HC-013: detects the type of an image from its bytes', async () => {
    for (const label of ['image/png', 'image/jpg', 'image/jpeg']) {
      const messages = [image(`data:${label};base64,${jpeg}`)]
      const source = { type: 'base64', media_type: 'image/jpeg', data: jpeg }
      const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { messages })
      expect(dig(body, 'messages', 0, 'content', 0, 'source')).toEqual(source)
      const [contents] = await harness.expectAccepted('chat', 'gemini/gemini-2.5-pro', { messages })
      expect(dig(contents, 'contents', 0, 'parts', 0, 'inlineData')).toEqual({ mimeType: 'image/jpeg', data: jpeg })
    }
  })

  it('HC-013: refuses an unsupported image type with its path', async () => {
    const messages = [image('data:image/svg+xml;base64,PHN2Zz4=')]
    expect(await harness.expectRefused('chat', 'messages/claude-opus-4-5', { messages })).toMatchObject({
      param: 'messages[0].content[0]',
    })
  })

  it('HC-014: returns the provider’s error for too many large images, without failover or cooldown', async () => {
    const second = { model: ['messages/claude-opus-4-5', 'messages/claude-opus-4-1'] }
    const { upstream, ask, records, relay } = await startHarness(cleanup, {
      providers: {
        messages: {
          type: 'anthropic',
          apiKey: 'sk-upstream-000000A1',
          baseURL: `http://127.0.0.1:${harness.upstream.port}`,
        },
      },
      models: { 'messages/m': second.model },
      health: { failures: 1 },
    })
    const message = 'messages.0.content.3: image exceeds 2000 px in many-image requests'
    const details = { error_code: 'image_dimensions_too_large' }
    harness.upstream.script = answerJson(
      { type: 'error', error: { type: 'invalid_request_error', message, details } },
      400,
    )
    const response = await ask('chat', 'messages/m')
    expect([response.status, dig(response.json, 'error', 'message')]).toEqual([400, message])
    expect(dig(response.json, 'error', 'code')).toBe('image_dimensions_too_large')
    expect(harness.upstream.seen).toHaveLength(1)
    expect(upstream.seen).toHaveLength(0)
    expect(records[0]?.attempts).toHaveLength(1)
    expect(relay.explain('messages/m').targets[0]?.credentials[0]?.cooldownMs).toBe(0)
  })

  it('HC-020: merges a union at the top of a tool’s schema, and keeps type lists within it', async () => {
    const inner = { type: 'object', properties: { a: { type: ['string', 'null'] } }, required: ['a'] }
    const parameters = { anyOf: [inner, { type: 'object', properties: { b: { type: 'integer' } } }] }
    const tools = [{ type: 'function', function: { name: 'f', parameters } }]
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { tools })
    expect(dig(body, 'tools', 0, 'input_schema')).toEqual({
      type: 'object',
      properties: { a: { type: ['string', 'null'] }, b: { type: 'integer' } },
    })
  })

  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]

  it.each<[object, unknown]>([
    [
      { tools, tool_choice: 'required', parallel_tool_calls: false },
      { type: 'any', disable_parallel_tool_use: true },
    ],
    [{ tools, tool_choice: 'none', parallel_tool_calls: false }, { type: 'none' }],
    [{ tools: [], tool_choice: 'auto' }, undefined],
  ])('HC-024: the tool choice of %j', async (fields, expected) => {
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', fields)
    expect(dig(body, 'tool_choice')).toEqual(expected)
    if (expected === undefined) expect(body).not.toHaveProperty('tools')
  })

  it('HC-024: declares the tools that the history calls', async () => {
    const messages = [user('w?'), calls(call('c1', 'w')), tool('c1', '1')]
    const [body] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { messages, tools: [] })
    expect(body).toMatchObject({ tools: [{ name: 'w' }], tool_choice: { type: 'none' } })
  })

  it('HC-033: refuses several choices', async () => {
    for (const model of ['messages/claude-opus-4-5', 'responses/gpt-5'] as const)
      expect(await harness.expectRefused('chat', model, { n: 3 })).toMatchObject({ param: 'n' })
  })
})

describe('HC-032: content of the wrong type is a 400 with its path, in every protocol', () => {
  it.each<[unknown, string]>([
    [[], 'messages[0].content'],
    [null, 'messages[0].content'],
    [7, 'messages[0].content'],
    [[{ type: 'text' }], 'messages[0].content[0].text'],
  ])('%j', async (content, param) => {
    for (const to of ['messages/m', 'responses/m', 'gemini/m'] as const) {
      expect(await harness.expectRefused('chat', to, { messages: [user(content)] })).toMatchObject({ param })
    }
    const { status, json } = await harness.ask('messages', 'chat/m', { with: { messages: [user(7)] } })
    expect([status, dig(json, 'error', 'message')]).toEqual([400, expect.stringContaining('messages[0].content')])
  })
})
