import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { answerIn, answerStreamText, type Harness, startHarness } from '../hardcases/harness.js'
import {
  chunk,
  dataRecord,
  fragment,
  messageStart,
  namedRecord,
  type ProtocolName,
  protocolFixtures,
  protocolNames,
  response,
} from '../hardcases/protocol-fixtures.js'
import { answerJson, type Script } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'

const cleanup = new Cleanup()
let harness: Harness
beforeEach(async () => {
  harness = await startHarness(cleanup, {
    retry: { attempts: 1 },
    health: { failures: 1_000_000 },
    cache: { temperature: 'any' },
  })
})
afterEach(() => cleanup.run())

/** The usage record of the one call since the last one that was returned. */
async function record(): Promise<UsageRecord> {
  await vi.waitFor(() => expect(harness.records).toHaveLength(1))
  return harness.records.pop() as UsageRecord
}

/** Whether the cache has stored the answer to a request, which it does unless the answer is a refusal. */
async function isCached(from: ProtocolName, to: ProtocolName, stream: boolean): Promise<boolean> {
  const { headers } = await harness.ask(from, `${to}/m`, { stream })
  return headers.get('x-modelmount-cache') === 'hit'
}

/** 400 words of six characters, 600 tokens. */
const WORDS = Array.from({ length: 400 }, (_, index) => `w${String(index).padStart(4, '0')} `)

/** A stream, cut before its last word. */
const cutOff = (protocol: ProtocolName): string => {
  const all = protocolFixtures[protocol].streamed(...WORDS)
  return all.slice(0, all.indexOf('w0399'))
}

/** Sends the text, then breaks the connection. */
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
    const { outcome, estimated, inputTokens, outputTokens } = await record()
    expect([outcome, estimated]).toEqual(['cut', true])
    expect(outputTokens).toBeGreaterThan(540)
    expect(outputTokens).toBeLessThan(660)
    // The first record of Messages reports the input. The other protocols report none, so the relay estimates it.
    if (to === 'messages') expect(inputTokens).toBe(5)
    else expect(inputTokens).toBeGreaterThan(5)
  })

  it.each(pairs)('are unset for a complete stream with usage to %s from %s', async (from, to) => {
    harness.upstream.script = answerIn(to, ...WORDS)
    await harness.ask(from, `${to}/m`, { stream: true })
    expect(await record()).toMatchObject({ outcome: 'complete', outputTokens: 2, estimated: false })
  })

  it.each(protocolNames)('HC-086: are estimated when a client of %s disconnects in the middle', async (protocol) => {
    harness.upstream.script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write(cutOff(protocol))
    }
    const abortController = new AbortController()
    const { path, requestBody } = protocolFixtures[protocol]
    const answer = await fetch(harness.origin + path(`${protocol}/m`, true), {
      method: 'POST',
      headers: { 'x-api-key': KEY },
      body: JSON.stringify(requestBody(`${protocol}/m`, true)),
      signal: abortController.signal,
    })
    const reader = answer.body?.getReader()
    let seen = ''
    while (!seen.includes('w0390')) seen += Buffer.from((await reader?.read())?.value ?? []).toString()
    abortController.abort()
    const { outcome, outputTokens, estimated } = await record()
    expect([outcome, estimated]).toEqual(['left', true])
    expect(outputTokens).toBeGreaterThan(540)
    expect(outputTokens).toBeLessThan(660)
  })

  it('are exact for a short stream', async () => {
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":12345678}' } }
    const text =
      chunk({ reasoning_content: 'abcd' }) + chunk({ content: 'é'.repeat(8) }) + chunk({ tool_calls: [call] })
    for (const to of ['chat', 'messages'] as const) {
      harness.upstream.script = answerStreamText(text + chunk({}, 'tool_calls') + dataRecord('[DONE]'))
      await harness.ask(to, 'chat/m', { stream: true })
      expect(await record()).toMatchObject({ outcome: 'complete', estimated: true, outputTokens: Math.ceil(26 / 4) })
    }
  })

  it('HC-090: exclude padding', async () => {
    const padded = WORDS.map((content) => chunk({ content }, null, { obfuscation: 'x'.repeat(40) })).join('')
    harness.upstream.script = answerStreamText(padded + chunk({}, 'stop') + dataRecord('[DONE]'))
    await harness.ask('chat', 'chat/m', { stream: true })
    const { outputTokens } = await record()
    expect(outputTokens).toBeGreaterThan(560)
    expect(outputTokens).toBeLessThan(660)
  })

  it('exclude the request that the first record repeats', async () => {
    const begun = response('', 'in_progress')
    const created = namedRecord({ type: 'response.created', response: { ...begun, instructions: 'x'.repeat(40_000) } })
    harness.upstream.script = breaks(created + cutOff('responses'))
    await harness.ask('responses', 'responses/m', { stream: true })
    const { outputTokens } = await record()
    expect(outputTokens).toBeGreaterThan(540)
    expect(outputTokens).toBeLessThan(660)
  })

  it('are estimated even if the kept end of the stream has no complete record', async () => {
    const all = protocolFixtures.responses.streamed(...WORDS)
    harness.upstream.script = breaks(all.slice(0, all.lastIndexOf('w0399')))
    await harness.ask('responses', 'responses/m', { stream: true })
    const { outputTokens } = await record()
    expect(outputTokens).toBeGreaterThan(300)
    expect(outputTokens).toBeLessThan(900)
  })

  it('come from the last record of Responses', async () => {
    const text = protocolFixtures.responses.streamed(...WORDS).replace(/"usage":\{[^}]*\}/, '"usage":null')
    harness.upstream.script = answerStreamText(text)
    await harness.ask('responses', 'responses/m', { stream: true })
    expect(await record()).toMatchObject({ outcome: 'complete', estimated: true, outputTokens: 600 })
  })

  it.each(pairs)('are counted by characters of a whole answer to %s from %s', async (from, to) => {
    const answer: Record<string, unknown> = { ...protocolFixtures[to].whole('x'.repeat(99)) }
    delete answer.usage
    delete answer.usageMetadata
    harness.upstream.script = answerJson(answer)
    expect((await harness.ask(from, `${to}/m`)).status).toBe(200)
    expect(await record()).toMatchObject({ outcome: 'complete', estimated: true, outputTokens: 25 })
    expect(await isCached(from, to, false)).toBe(true)
  })

  it('are counted for a whole answer to a stream request', async () => {
    harness.upstream.script = answerJson({ ...protocolFixtures.chat.whole('x'.repeat(99)), usage: undefined })
    await harness.ask('chat', 'chat/m', { stream: true })
    expect(await record()).toMatchObject({ estimated: true, outputTokens: 25 })
  })

  it('are not reported for an attempt that fails before its first output', async () => {
    harness.upstream.script = breaks(chunk({ role: 'assistant', content: '' }))
    await harness.ask('chat', 'chat/m', { stream: true })
    expect(await record()).toMatchObject({ outcome: 'failed', outputTokens: undefined })
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
    expect(await record()).toMatchObject({ outcome: 'complete' })
    expect(await isCached(from, to, true)).toBe(false)
  })

  it.each(protocolNames)('is distinguished from a normal answer in %s', async (protocol) => {
    for (const stream of [true, false]) {
      harness.upstream.script = answerIn(protocol, 'ab')
      await harness.ask(protocol, `${protocol}/m`, { stream })
      expect(await record()).toMatchObject({ outcome: 'complete' })
      expect(await isCached(protocol, protocol, stream)).toBe(true)
      await record()
    }
  })

  it.each(protocolNames)('is recognised by the refusal field of a whole answer, for %s', async (from) => {
    const message = { role: 'assistant', content: null, refusal: 'no' }
    harness.upstream.script = answerJson({ choices: [{ index: 0, message, finish_reason: 'stop' }] })
    await harness.ask(from, 'chat/m')
    expect(await record()).toMatchObject({ outcome: 'complete' })
    expect(await isCached(from, 'chat', false)).toBe(false)
  })
})
