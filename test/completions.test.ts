import OpenAI from 'openai'
import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import type { UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { answerError, type Script, startUpstream } from './scripted-upstream.js'
import { KEY, providerAt, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** Answers each prompt `n` times, with the prompt and the index of the choice. */
const echo: Script = (_req, res, { body }) => {
  const {
    messages,
    n = 1,
    stream,
  } = JSON.parse(body) as { messages: { content: string }[]; n?: number; stream?: boolean }
  const prompt = messages[0]?.content
  const indices = Array.from({ length: n }, (_, index) => index)
  const usage = { prompt_tokens: 2, completion_tokens: n, total_tokens: n + 2 }
  if (!stream) {
    const choices = indices.map((index) => ({
      index,
      message: { role: 'assistant', content: `${prompt}${index}` },
      finish_reason: 'stop',
    }))
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ id: 'c', model: 'm', choices, usage }))
    return
  }
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  const write = (value: object): void =>
    void res.write(`data: ${JSON.stringify({ id: 'c', model: 'm', ...value })}\n\n`)
  for (const index of indices) write({ choices: [{ index, delta: { content: `${prompt}${index}` } }] })
  for (const index of indices) write({ choices: [{ index, delta: {}, finish_reason: 'stop' }] })
  write({ choices: [], usage })
  res.end('data: [DONE]\n\n')
}

async function start(script: Script): Promise<{ client: OpenAI; records: UsageRecord[]; relay: typeof fetch }> {
  const upstream = cleanup.add(await startUpstream(script))
  const records: UsageRecord[] = []
  const plugins = [{ done: (record: UsageRecord) => void records.push(record) }]
  const relay = fetchRelay(
    cleanup.add(testRelay({ providers: { local: providerAt(upstream) }, plugins, retry: { attempts: 1 } })),
  )
  return {
    client: new OpenAI({ baseURL: 'http://relay/v1', apiKey: KEY, maxRetries: 0, fetch: relay }),
    records,
    relay,
  }
}

describe('HC-176: several prompts in one request', () => {
  const request = { model: 'local/m', prompt: ['a', 'b', 'c'], n: 2 }

  it('are answered in order, with choices numbered over all of them and the usage summed', async () => {
    const { client, records } = await start(echo)
    const { choices, usage, object } = await client.completions.create(request)
    expect(object).toBe('text_completion')
    expect(choices.map(({ index, text }) => [index, text])).toEqual(
      ['a0', 'a1', 'b0', 'b1', 'c0', 'c1'].map((text, index) => [index, text]),
    )
    expect(usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 6, total_tokens: 12 })
    expect(records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'complete'])
  })

  it('are answered in one stream, with one id, one usage and one [DONE]', async () => {
    const { client, relay } = await start(echo)
    const texts: string[] = []
    const finished: number[] = []
    const ids = new Set<string>()
    const usages: unknown[] = []
    for await (const { id, object, choices, usage } of await client.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })) {
      expect(object).toBe('text_completion')
      ids.add(id)
      if (usage) usages.push(usage.total_tokens)
      for (const { index, text, finish_reason } of choices) {
        texts[index] = (texts[index] ?? '') + text
        if (finish_reason) finished.push(index)
      }
    }
    expect(texts).toEqual(['a0', 'a1', 'b0', 'b1', 'c0', 'c1'])
    expect([finished, ids.size, usages]).toEqual([[0, 1, 2, 3, 4, 5], 1, [12]])
    const raw = await relay('http://relay/v1/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ ...request, stream: true }),
    })
    expect((await raw.text()).match(/\[DONE\]/g)).toHaveLength(1)
  })

  it('fail together: a whole answer with an error, a stream with an error and no [DONE]', async () => {
    const failing: Script = (req, res, seen) =>
      (seen.body.includes('"b"') ? answerError(400, 'not b') : echo)(req, res, seen)
    const { client, relay } = await start(failing)
    await expect(client.completions.create(request)).rejects.toMatchObject({ status: 400, message: '400 not b' })
    const raw = await relay('http://relay/v1/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ ...request, stream: true }),
    })
    const text = await raw.text()
    expect(text).toContain('a1')
    expect(text).toContain('"not b"')
    expect(text).not.toContain('[DONE]')
  })
})
