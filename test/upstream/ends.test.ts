import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CallEnd } from '../../src/call.js'
import { answerIn, answerStreamText, type Harness, startHarness } from '../hardcases/harness.js'
import {
  chunk,
  dataRecord,
  fragment,
  messageStart,
  namedRecord,
  protocolFixtures,
  protocolNames,
  response,
} from '../hardcases/protocol-fixtures.js'
import { Cleanup, KEY } from '../mounts.js'
import { answerJson, type Script } from '../upstream.js'
import { ends } from './watch.js'

vi.mock('../../src/upstream/attempt/attempt.js', async (original) =>
  (await import('./watch.js')).watched(await original()),
)

const cleanup = new Cleanup()
let harness: Harness
beforeEach(async () => {
  harness = await startHarness(cleanup, { retry: { attempts: 1 }, health: { failures: 1_000_000 } })
  ends.length = 0
})
afterEach(() => cleanup.run())

/** The end of the one call. */
async function end(): Promise<CallEnd> {
  await vi.waitFor(() => expect(ends).toHaveLength(1))
  return ends[0] as CallEnd
}

/** 400 words of six characters, 600 tokens. */
const WORDS = Array.from({ length: 400 }, (_, index) => `w${String(index).padStart(4, '0')} `)

/** All of a stream but its last word and what follows. */
const cutOff = (language: keyof typeof protocolFixtures): string => {
  const all = protocolFixtures[language].streamed(...WORDS)
  return all.slice(0, all.indexOf('w0399'))
}

/** Writes it, and breaks the connection once it is there. */
const breaks =
  (text: string): Script =>
  (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(text, () => setTimeout(() => res.destroy(), 100))
  }

const pairs = protocolNames.flatMap((from) => protocolNames.map((to) => [from, to] as const))

describe('the delivered tokens of an answer without usage', () => {
  it.each(pairs)('HC-086: are estimated from a cut stream to %s from %s', async (from, to) => {
    harness.upstream.script = breaks(cutOff(to))
    await harness.ask(from, `${to}/m`, { stream: true })
    const { outcome, deliveredTokens, usage } = await end()
    expect(outcome).toBe('cut')
    expect(deliveredTokens).toBeGreaterThan(540)
    expect(deliveredTokens).toBeLessThan(660)
    // What the beginning told stays known: the input counts.
    expect(usage?.input).toBe(to === 'messages' ? 5 : undefined)
  })

  it.each(pairs)('are unset for a complete stream with usage to %s from %s', async (from, to) => {
    harness.upstream.script = answerIn(to, ...WORDS)
    await harness.ask(from, `${to}/m`, { stream: true })
    expect(await end()).toMatchObject({ outcome: 'complete', usage: { output: 2 }, deliveredTokens: undefined })
  })

  it.each(protocolNames)('HC-086: are estimated when a client of %s disconnects in the middle', async (language) => {
    harness.upstream.script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(cutOff(language))
    }
    const leaving = new AbortController()
    const { path, requestBody: ask } = protocolFixtures[language]
    const answer = await fetch(harness.origin + path(`${language}/m`, true), {
      method: 'POST',
      headers: { 'x-api-key': KEY },
      body: JSON.stringify(ask(`${language}/m`, true)),
      signal: leaving.signal,
    })
    const reader = answer.body?.getReader()
    let seen = ''
    while (!seen.includes('w0390')) seen += Buffer.from((await reader?.read())?.value ?? []).toString()
    leaving.abort()
    const { outcome, deliveredTokens } = await end()
    expect(outcome).toBe('left')
    expect(deliveredTokens).toBeGreaterThan(540)
    expect(deliveredTokens).toBeLessThan(660)
  })

  it('are exact for a short stream', async () => {
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":12345678}' } }
    const text =
      chunk({ reasoning_content: 'abcd' }) + chunk({ content: 'é'.repeat(8) }) + chunk({ tool_calls: [call] })
    for (const to of ['chat', 'messages'] as const) {
      ends.length = 0
      harness.upstream.script = answerStreamText(text + chunk({}, 'tool_calls') + dataRecord('[DONE]'))
      await harness.ask(to, 'chat/m', { stream: true })
      expect(await end()).toMatchObject({ outcome: 'complete', usage: undefined, deliveredTokens: Math.ceil(26 / 4) })
    }
  })

  it('HC-090: exclude padding', async () => {
    const padded = WORDS.map((content) => chunk({ content }, null, { obfuscation: 'x'.repeat(40) })).join('')
    harness.upstream.script = answerStreamText(padded + chunk({}, 'stop') + dataRecord('[DONE]'))
    await harness.ask('chat', 'chat/m', { stream: true })
    const { deliveredTokens } = await end()
    expect(deliveredTokens).toBeGreaterThan(560)
    expect(deliveredTokens).toBeLessThan(660)
  })

  it('exclude the request that the first record repeats', async () => {
    const begun = response('', 'in_progress')
    const created = namedRecord({ type: 'response.created', response: { ...begun, instructions: 'x'.repeat(40_000) } })
    harness.upstream.script = breaks(created + cutOff('responses'))
    await harness.ask('responses', 'responses/m', { stream: true })
    const { deliveredTokens } = await end()
    expect(deliveredTokens).toBeGreaterThan(540)
    expect(deliveredTokens).toBeLessThan(660)
  })

  it('are estimated even if the kept end of the stream has no complete record', async () => {
    const all = protocolFixtures.responses.streamed(...WORDS)
    harness.upstream.script = breaks(all.slice(0, all.lastIndexOf('w0399')))
    await harness.ask('responses', 'responses/m', { stream: true })
    const { deliveredTokens } = await end()
    expect(deliveredTokens).toBeGreaterThan(300)
    expect(deliveredTokens).toBeLessThan(900)
  })

  it('come from the last record of Responses', async () => {
    const text = protocolFixtures.responses.streamed(...WORDS).replace(/"usage":\{[^}]*\}/, '"usage":null')
    harness.upstream.script = answerStreamText(text)
    await harness.ask('responses', 'responses/m', { stream: true })
    expect(await end()).toMatchObject({ outcome: 'complete', usage: undefined, deliveredTokens: 600 })
  })

  it.each(pairs)('are counted by characters of a whole answer to %s from %s', async (from, to) => {
    const answer: Record<string, unknown> = { ...protocolFixtures[to].whole('x'.repeat(99)) }
    delete answer.usage
    delete answer.usageMetadata
    harness.upstream.script = answerJson(answer)
    expect((await harness.ask(from, `${to}/m`)).status).toBe(200)
    expect(await end()).toMatchObject({ outcome: 'complete', usage: undefined, deliveredTokens: 25, refused: false })
  })

  it('are counted for a whole answer to a stream request', async () => {
    harness.upstream.script = answerJson({ ...protocolFixtures.chat.whole('x'.repeat(99)), usage: undefined })
    await harness.ask('chat', 'chat/m', { stream: true })
    expect(await end()).toMatchObject({ usage: undefined, deliveredTokens: 25 })
  })

  it('are not reported for an attempt that fails before its first output', async () => {
    harness.upstream.script = breaks(chunk({ role: 'assistant', content: '' }))
    await harness.ask('chat', 'chat/m', { stream: true })
    expect(ends).toHaveLength(0)
  })
})

/** A stream that ends as a refusal. */
const REFUSALS = {
  chat: chunk({ content: 'a' }) + chunk({}, 'content_filter') + dataRecord('[DONE]'),
  responses:
    namedRecord({ type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: 'a' }) +
    namedRecord({
      type: 'response.incomplete',
      response: { ...response('a'), status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
    }),
  messages: [
    { type: 'message_start', message: messageStart },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'refusal', stop_sequence: null }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ]
    .map(namedRecord)
    .join(''),
  gemini: dataRecord(fragment([{ text: 'a' }])) + dataRecord(fragment([], 'PROHIBITED_CONTENT')),
}

describe('an answer that is a refusal', () => {
  it.each(pairs)('is recognised in a stream to %s from %s', async (from, to) => {
    harness.upstream.script = answerStreamText(REFUSALS[to])
    await harness.ask(from, `${to}/m`, { stream: true })
    expect(await end()).toMatchObject({ outcome: 'complete', refused: true })
  })

  it.each(protocolNames)('is distinguished from a normal answer in %s', async (language) => {
    for (const stream of [true, false]) {
      ends.length = 0
      harness.upstream.script = answerIn(language, 'ab')
      await harness.ask(language, `${language}/m`, { stream })
      expect(await end()).toMatchObject({ outcome: 'complete', refused: false })
    }
  })

  it.each(protocolNames)('is recognised by the refusal field of a whole answer, for %s', async (from) => {
    const message = { role: 'assistant', content: null, refusal: 'no' }
    harness.upstream.script = answerJson({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
    await harness.ask(from, 'chat/m')
    expect(await end()).toMatchObject({ refused: true })
  })
})
