import { createServer } from 'node:http'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { answerJson, answerStream, completion, type Script, startUpstream, streamed } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const SECRET = 'sk-upstream-000000A1'
const QUESTION = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] }

/** MiniMax's result, beside an answer or instead of one. */
const result = (status_code: number, status_msg = 'the message'): object => ({ base_resp: { status_code, status_msg } })
const failed = (code: number, message?: string): object => ({ id: 'x', choices: null, ...result(code, message) })
const record = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** MiniMax before another provider; `alone` without that. */
async function start(script: Script, more: Partial<RelayOptions> = {}, alone = false) {
  const minimax = cleanup.add(await startUpstream(script))
  const other = cleanup.add(
    await startUpstream((req, res, seen) =>
      (seen.body.includes('"stream":true')
        ? answerStream(streamed('by another'))
        : answerJson(completion('by another')))(req, res, seen),
    ),
  )
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: {
        minimax: { apiKey: SECRET, baseURL: minimax.baseURL },
        other: { type: 'openai-compatible', apiKey: 'k-12345678', baseURL: other.baseURL },
      },
      models: { m: alone ? ['minimax/MiniMax-M2.7'] : ['minimax/MiniMax-M2.7', 'other/m'] },
      retry: { attempts: alone ? 1 : 3 },
      plugins: [{ done: (one) => void records.push(one) }],
      ...more,
    }),
  )
  const { baseURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
  const openai = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0 })
  const anthropic = new Anthropic({ baseURL: baseURL.replace(/\/v1$/, ''), apiKey: KEY, maxRetries: 0 })
  const read = async (): Promise<string> => {
    let text = ''
    const stream = await openai.chat.completions.create({ ...QUESTION, stream: true })
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? ''
    return text
  }
  const raw = async (body: object): Promise<string> =>
    (
      await fetch(`${baseURL}/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...QUESTION, ...body }),
      })
    ).text()
  return { openai, anthropic, read, raw, records, minimax, other }
}

/** The code, the status that it counts as, and the client's error without another target. */
const ELSEWHERE: readonly (readonly [code: number, counts: number | string, status: number, errorCode: string])[] = [
  [1000, 500, 500, 'server_error'],
  [1001, 504, 504, 'server_error'],
  [1002, 429, 429, 'rate_limit_exceeded'],
  [1004, 401, 502, 'upstream_auth_error'],
  [1008, 402, 502, 'upstream_auth_error'],
  [1024, 500, 500, 'server_error'],
  [1033, 500, 500, 'server_error'],
  [1039, 429, 429, 'rate_limit_exceeded'],
  [1041, 429, 429, 'rate_limit_exceeded'],
  [2045, 429, 429, 'rate_limit_exceeded'],
  [2049, 401, 502, 'upstream_auth_error'],
  [2056, 429, 502, 'upstream_auth_error'],
  [2061, 403, 502, 'upstream_auth_error'],
  [9999, 'invalid', 502, 'upstream_invalid_response'],
]

describe('MiniMax reports errors with status 200', () => {
  it.each(ELSEWHERE)(
    '%i counts as %s: fails over, and returns the error without another target',
    async (code, counts, status, errorCode) => {
      const whole = answerJson(failed(code))
      const { openai } = await start(whole)
      const { data, response } = await openai.chat.completions.create(QUESTION).withResponse()
      expect(data.choices[0]?.message.content).toBe('by another')
      expect(response.headers.get('x-modelmount-attempts')).toBe(`minimax/MiniMax-M2.7 ${counts}, other/m 200`)
      const alone = await start(whole, {}, true)
      await expect(alone.openai.chat.completions.create(QUESTION)).rejects.toMatchObject({ status, code: errorCode })
      expect(alone.records).toMatchObject([{ outcome: 'failed', costNanos: 0 }])
    },
  )

  it.each([
    [
      2013,
      'invalid params, function name is empty',
      { status: 400, message: expect.stringContaining('function name') },
    ],
    [2013, 'invalid params, context window exceeds limit', { status: 400, code: 'context_length_exceeded' }],
    [1026, 'input new_sensitive', { status: 400, code: 'content_filter' }],
    [1027, 'output new_sensitive', { status: 400, code: 'content_filter' }],
  ])('%i, %s, is an error of the request without failover', async (code, message, expected) => {
    const { openai, other } = await start(answerJson(failed(code, message)))
    await expect(openai.chat.completions.create(QUESTION)).rejects.toMatchObject(expected)
    expect(other.seen).toHaveLength(0)
  })

  it('also beside an answer without choices, with a code as text, or with an error in its status', async () => {
    for (const script of [
      answerJson({ ...completion('x'), choices: [], ...result(1002) }),
      answerJson({ ...completion('half'), ...result(1002) }),
      answerJson({ choices: null, base_resp: { status_code: '1002', status_msg: '' } }),
      answerJson(result(1002), 429),
    ]) {
      const { openai } = await start(script, {}, true)
      await expect(openai.chat.completions.create(QUESTION)).rejects.toMatchObject({
        status: 429,
        code: 'rate_limit_exceeded',
      })
    }
  })

  it('instead of a stream, and in its first record', async () => {
    for (const script of [answerJson(failed(1002)), answerStream([record(failed(1002)), 'data: [DONE]\n\n'])]) {
      const { read, anthropic } = await start(script)
      expect(await read()).toBe('by another')
      const message = await anthropic.messages.create({ ...QUESTION, max_tokens: 9 })
      expect(message.content).toMatchObject([{ type: 'text', text: 'by another' }])
    }
  })

  it('in the middle of a stream, which ends with an error in the client’s protocol', async () => {
    const [role = '', word = ''] = streamed('some ')
    const pieces = [role, word, record(failed(1027, `output new_sensitive for ${SECRET}`)), 'data: [DONE]\n\n']
    const whole = [pieces.join('')]
    const unclosed = [role, word, record(failed(1027)).trimEnd()]
    for (const [all, everyMs] of [
      [pieces, 20],
      [whole, 0],
      [unclosed, 20],
    ] as const) {
      const { read, raw, anthropic, records, other } = await start(answerStream(all, everyMs))
      await expect(read()).rejects.toMatchObject({ code: 'content_filter' })
      const text = await raw({ stream: true })
      expect(text).toContain('some ')
      expect(text).toContain('"error":')
      expect(text).not.toContain('[DONE]')
      expect(text).not.toContain(SECRET)
      const stream = anthropic.messages.stream({ ...QUESTION, max_tokens: 9 })
      await expect(stream.finalMessage()).rejects.toThrow()
      expect(records.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'failed'])
      expect(other.seen).toHaveLength(0)
    }
  })

  it('and success, which passes unchanged', async () => {
    const body = JSON.stringify({ ...completion('fine'), input_sensitive: false, ...result(0, '') })
    const whole = await start(answerJson(body))
    expect(await whole.raw({})).toBe(body)
    const [role = '', word = '', finish = '', usage = '', done = ''] = streamed('fine')
    const usageWithResult = usage.replace('"choices":[]', `"choices":[],${JSON.stringify(result(0, '')).slice(1, -1)}`)
    const all = [role, word, finish, usageWithResult, done].join('')
    const stream = await start(answerStream([all]))
    expect(await stream.raw({ stream: true })).toBe(all)
    expect(stream.records).toMatchObject([{ outcome: 'complete', outputTokens: 1 }])
  })

  it('for embeddings, images and Messages too', async () => {
    const asking: readonly ((
      clients: Pick<Awaited<ReturnType<typeof start>>, 'openai' | 'anthropic'>,
    ) => Promise<unknown>)[] = [
      ({ openai }) => openai.embeddings.create({ model: 'm', input: 'x' }),
      ({ openai }) => openai.images.generate({ model: 'm', prompt: 'x' }),
      ({ anthropic }) => anthropic.messages.create({ ...QUESTION, max_tokens: 9 }),
    ]
    for (const ask of asking) {
      const clients = await start(answerJson({ vectors: null, ...result(1002) }), {}, true)
      await expect(ask(clients)).rejects.toMatchObject({ status: 429 })
    }
  })

  it('in a Messages stream, in the first record and later', async () => {
    const begun = { type: 'message_start', message: { id: 'x', type: 'message', role: 'assistant', content: [] } }
    const text = [
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'some ' } },
    ]
    const first = await start(answerStream([record(result(1002))]))
    const message = await first.anthropic.messages.stream({ ...QUESTION, max_tokens: 9 }).finalMessage()
    expect(message.content).toMatchObject([{ type: 'text', text: 'by another' }])
    const midway = await start(answerStream([begun, ...text, result(1027)].map(record)))
    await expect(midway.anthropic.messages.stream({ ...QUESTION, max_tokens: 9 }).finalMessage()).rejects.toThrow(
      'the message',
    )
    expect(midway.records).toMatchObject([{ outcome: 'failed' }])
  })
})
