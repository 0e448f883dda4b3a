import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson } from '../scripted-upstream.js'
import { type ClientResponse, type Harness, startHarness } from './harness.js'
import { dig, type ProtocolName, protocolFixtures } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
  harness.upstream.script = (req, res, seen) =>
    answerJson(COUNTS[seen.url.split('/').at(-1)?.split(':').at(-1) ?? ''])(req, res, seen)
})
afterEach(() => cleanup.run())

/** The upstream's answers, by the end of the path. */
const COUNTS: Readonly<Record<string, object>> = {
  count_tokens: { input_tokens: 11 },
  countTokens: { totalTokens: 11, promptTokensDetails: [] },
  input_tokens: { object: 'response.input_tokens', input_tokens: 11 },
}

type Counting = Exclude<ProtocolName, 'chat'>
const counting = ['messages', 'responses', 'gemini'] as const

function count(from: Counting, model: string, fields: object = {}, one: Harness = harness): Promise<ClientResponse> {
  const paths = {
    messages: '/v1/messages/count_tokens',
    responses: '/v1/responses/input_tokens',
    gemini: `/v1beta/models/${model}:countTokens`,
  }
  const {
    max_tokens: _,
    stream: __,
    ...body
  } = protocolFixtures[from].requestBody(model, false, 'hello') as Record<string, unknown>
  return one.send('POST', paths[from], { with: { ...body, ...fields } })
}

/** The count in an answer. */
const tokensIn = (from: Counting, { json }: ClientResponse): unknown =>
  dig(json, from === 'gemini' ? 'totalTokens' : 'input_tokens')

describe('token counts', () => {
  it.each(counting)('pass unchanged within %s', async (from) => {
    const response = await count(from, `${from}/m`, { x: 1 })
    expect([response.status, response.json]).toEqual([
      200,
      COUNTS[harness.upstream.seen[0]?.url.split(/[/:]/).at(-1) ?? ''],
    ])
    expect(harness.sent()).toMatchObject({ x: 1 })
    expect(JSON.stringify(harness.sent())).not.toContain(`${from}/m`)
    expect(response.headers.get('x-modelmount-losses')).toBeNull()
  })

  const pairs = counting.flatMap((from) =>
    counting.filter((to) => to !== from).map((to): [Counting, Counting] => [from, to]),
  )

  it.each(pairs)('for %s are requested from %s in its own format', async (from, to) => {
    const response = await count(from, `${to}/gpt-5`)
    expect([response.status, tokensIn(from, response)]).toEqual([200, 11])
    const paths = {
      messages: '/v1/messages/count_tokens',
      responses: '/v1/responses/input_tokens',
      gemini: '/v1beta/models/gpt-5:countTokens',
    }
    expect(harness.upstream.seen.map(({ url }) => url)).toEqual([paths[to]])
    expect(JSON.stringify(harness.sent())).toContain('hello')
    if (to === 'gemini') expect(harness.sent()).toMatchObject({ generateContentRequest: { model: 'models/gpt-5' } })
    else expect(harness.sent()).toMatchObject({ model: 'gpt-5' })
    if (to === 'messages') {
      expect(harness.sent()).not.toHaveProperty('max_tokens')
      expect(harness.upstream.seen[0]?.headers['anthropic-version']).toBe('2023-06-01')
    }
  })

  it.each(counting)('for %s are estimated where the upstream cannot count, with a loss', async (from) => {
    const response = await count(from, 'chat/m')
    expect(response.status).toBe(200)
    expect(tokensIn(from, response)).toBe(Math.ceil('hello'.length / 4) + 4)
    expect(response.headers.get('x-modelmount-losses')).toBe('count: estimated by the relay')
    expect(harness.upstream.seen).toHaveLength(0)
  })

  it.each(counting)('for %s come from the countTokens hook', async (from) => {
    const hookCalls: unknown[] = []
    const own = await startHarness(cleanup, {
      countTokens(conversation, model) {
        hookCalls.push(
          model,
          conversation.turns.map(({ blocks }) => blocks.map((block) => 'text' in block && block.text)),
        )
        return 1234
      },
    })
    expect(tokensIn(from, await count(from, 'chat/m', {}, own))).toBe(1234)
    expect(hookCalls).toEqual(['chat/m', [['hello']]])
  })

  it.each(counting)('for %s fail in the format of the protocol', async (from) => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }
    harness.upstream.script = answerJson(error, 529)
    const response = await count(from, 'messages/m')
    const status = { messages: 529, responses: 503, gemini: 503 }[from]
    expect([response.status, dig(response.json, 'error', 'message')]).toEqual([status, 'Overloaded'])
    expect(tokensIn(from, response)).toBeUndefined()
  })

  it.each(counting)('for %s are an error if the answer has no count', async (from) => {
    harness.upstream.script = answerJson('{"error":{"message":"odd"}}')
    for (const to of counting) expect((await count(from, `${to}/m`)).status).toBeGreaterThanOrEqual(400)
  })

  it('are refused with strict translation if the conversation would have losses', async () => {
    const strict = await startHarness(cleanup, { translation: 'strict' })
    strict.upstream.script = harness.upstream.script
    const fields = {
      tools: [{ type: 'computer_20250124', name: 'computer', display_width_px: 1, display_height_px: 1 }],
    }
    expect((await count('messages', 'gemini/m', fields)).headers.get('x-modelmount-losses')).toContain('tools[0]')
    const { status, json } = await count('messages', 'gemini/m', fields, strict)
    expect([status, dig(json, 'error', 'message')]).toEqual([400, expect.stringContaining('tools[0]')])
    expect(strict.upstream.seen).toEqual([])
    expect((await count('messages', 'gemini/m', {}, strict)).status).toBe(200)
    expect((await count('messages', 'messages/m', fields, strict)).status).toBe(200)
  })

  it('answer 404 for a model that the caller may not use', async () => {
    const closed = await startHarness(cleanup, { groups: { default: { models: ['messages/*'] } } })
    expect((await count('messages', 'chat/m', {}, closed)).status).toBe(404)
  })
})
