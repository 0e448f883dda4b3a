import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocols/openai-chat/index.js'
import type { InjectedUsage } from '../../src/protocols/passthrough.js'
import { dropUsageRecords } from '../../src/upstream/stream/marked-records.js'
import { Cleanup } from '../cleanup.js'
import { type Harness, startHarness } from '../hardcases/harness.js'
import { chunk, dataRecord } from '../hardcases/protocol-fixtures.js'
import { pick, seeded } from '../random.js'
import { answerStream } from '../scripted-upstream.js'

const cleanup = new Cleanup()
let harness: Harness
beforeEach(async () => {
  harness = await startHarness(cleanup, { usage: { ask: true } })
})
afterEach(() => cleanup.run())

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 }
/** The usage record of a call with this usage. */
const USAGE_RECORD = { outcome: 'complete', inputTokens: 5, outputTokens: 2, estimated: false }
const EXTRA = dataRecord({ id: 'c', object: 'chat.completion.chunk', choices: [], usage })
/** The first chunk of Azure. */
const FILTERED = dataRecord({ id: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] })
const two = (content: string, finish: string | null = null): string =>
  [0, 1]
    .map((index) => dataRecord({ choices: [{ index, delta: { content }, finish_reason: finish }], usage: null }))
    .join('')
const DONE = dataRecord('[DONE]')
const BEFORE = FILTERED + two('the "prompt_tokens" of ü') + two('b') + two('', 'stop')

const streamRequest = { model: 'chat/m', stream: true }

describe('HC-078: a stream whose client did not request usage', () => {
  it('gets a usage request, and the relay removes the usage from the answer', async () => {
    harness.upstream.script = answerStream([BEFORE + EXTRA + DONE])
    const { text } = await harness.ask('chat', 'chat/m', { stream: true, with: { n: 2 } })
    expect(text).toBe(BEFORE + DONE)
    expect(harness.upstream.seen[0]?.body).toBe(
      '{"stream_options":{"include_usage":true},"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"n":2}',
    )
    await expect.poll(() => harness.records).toMatchObject([USAGE_RECORD])
  })

  it('keeps every other byte of the request', async () => {
    harness.upstream.script = answerStream([BEFORE + EXTRA + DONE])
    const rest = '"messages":[{"role":"user","content":"\\u00fc"}] , "seed":90071992547409931, "2":1,"1":2.0}'
    const body = `{ "model" :"chat/m", "stream": true, "stream_options":{"include_obfuscation":false}, ${rest}`
    await harness.ask('chat', 'chat/m', { stream: true, body })
    expect(harness.upstream.seen[0]?.body).toBe(
      `{ "model" :"m", "stream": true, "stream_options":{"include_obfuscation":false,"include_usage":true}, ${rest}`,
    )
  })

  it('may be split at any byte, with any line ends', async () => {
    const random = seeded(5)
    for (let round = 0; round < 60; round++) {
      const end = pick(random, ['\n', '\r\n', '\r'])
      const last = random() < 0.3 ? '' : DONE
      const spelled = (text: string): Buffer => Buffer.from(text.replaceAll('\n', end))
      // A last record may lack its blank line.
      const all = spelled(BEFORE + (last === '' ? EXTRA.trimEnd() : EXTRA + last))
      const pieces: Buffer[] = []
      for (let at = 0; at < all.length; ) {
        const next = at + 1 + Math.floor(random() * pick(random, [3, 200, 2000]))
        pieces.push(all.subarray(at, next))
        at = next
      }
      harness.records.length = 0
      harness.upstream.script = answerStream(pieces, pick(random, [0, 0, 1]))
      const { text } = await harness.ask('chat', 'chat/m', { stream: true })
      expect(text.replaceAll(end, '\n')).toBe(BEFORE + last)
      await expect.poll(() => harness.records).toMatchObject([USAGE_RECORD])
    }
  })

  it('keeps a record that has usage beside content', async () => {
    const text = chunk({ content: 'a' }, null, { usage }) + chunk({}, 'stop', { usage }) + DONE
    harness.upstream.script = answerStream([text])
    expect((await harness.ask('chat', 'chat/m', { stream: true })).text).toBe(text)
    await expect.poll(() => harness.records).toMatchObject([{ outputTokens: 2, estimated: false }])
  })

  it('works for legacy completions with one and with several prompts', async () => {
    const textRecord = dataRecord({ choices: [{ index: 0, text: 'a', finish_reason: 'stop' }] })
    const pass = {
      usage: { ask: true },
      providers: {
        chat: {
          type: 'openai-compatible' as const,
          baseURL: harness.upstream.baseURL,
          speaks: ['openai-completions' as const],
        },
      },
    }
    const other = await startHarness(cleanup, pass)
    harness.upstream.script = answerStream([textRecord + EXTRA + DONE])
    const ask = async (prompt: unknown): Promise<string> =>
      (await other.send('POST', '/v1/completions', { with: { ...streamRequest, prompt } })).text
    expect(await ask('x')).toBe(textRecord + DONE)
    expect(JSON.parse(harness.upstream.seen[0]?.body ?? '')).toMatchObject({ stream_options: { include_usage: true } })
    expect(await ask(['x', 'y'])).toBe(textRecord + DONE)
    await expect.poll(() => other.records.map(({ outputTokens }) => outputTokens)).toEqual([2, 2])
  })
})

describe('HC-078: the relay changes no request', () => {
  it('that asks for usage itself', async () => {
    harness.upstream.script = answerStream([BEFORE + EXTRA + DONE])
    const { text } = await harness.ask('chat', 'chat/m', {
      stream: true,
      with: { stream_options: { include_usage: true } },
    })
    expect(text).toBe(BEFORE + EXTRA + DONE)
  })

  it('whose usage nobody needs', async () => {
    harness = await startHarness(cleanup, { usage: { ask: false } })
    harness.upstream.script = answerStream([BEFORE + EXTRA + DONE])
    expect((await harness.ask('chat', 'chat/m', { stream: true })).text).toBe(BEFORE + EXTRA + DONE)
    expect(harness.upstream.seen[0]?.body).not.toContain('stream_options')
  })

  it('to a provider that does not accept stream_options', async () => {
    harness = await startHarness(cleanup, { usage: { ask: true } }, (port) => ({
      chat: { type: 'mistral', apiKey: 'sk-upstream-000000A1', baseURL: `http://127.0.0.1:${port}/v1` },
    }))
    harness.upstream.script = answerStream([BEFORE + DONE])
    expect((await harness.ask('chat', 'chat/m', { stream: true })).text).toBe(BEFORE + DONE)
    expect(harness.upstream.seen[0]?.body).not.toContain('stream_options')
  })

  it('for a whole answer', async () => {
    await harness.ask('chat', 'chat/m')
    expect(harness.upstream.seen[0]?.body).not.toContain('stream_options')
  })

  it('with an escaped stream_options', async () => {
    harness.upstream.script = answerStream([BEFORE + EXTRA + DONE])
    const body = JSON.stringify({ ...streamRequest, messages: [{ role: 'user', content: 'x' }], stream_options: {} })
    const disguised = body.replace('_options', '\\u005foptions')
    expect((await harness.ask('chat', 'chat/m', { body: disguised })).text).toBe(BEFORE + EXTRA + DONE)
    expect(harness.upstream.seen[0]?.body).toBe(disguised.replace('chat/m', 'm'))
  })
})

describe('dropUsageRecords', () => {
  const metering = openaiChat.injectedUsage as InjectedUsage
  const without = (text: string): string => dropUsageRecords(Buffer.from(text), metering).toString()

  it('removes the usage records, and keeps every other byte', () => {
    expect(without(EXTRA)).toBe('')
    expect(without(BEFORE + EXTRA + EXTRA + DONE + EXTRA)).toBe(BEFORE + DONE)
    expect(without(`id: 7\r\n${EXTRA.replaceAll('\n', '\r\n')}: ping\r\n\r\n`)).toBe(': ping\r\n\r\n')
    expect(without(EXTRA.trimEnd())).toBe('')
    const bytes = Buffer.from(BEFORE + DONE)
    expect(dropUsageRecords(bytes, metering)).toEqual(bytes)
    const plain = Buffer.from(two('a'))
    expect(dropUsageRecords(plain, metering)).toBe(plain)
  })
})
