import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MARK } from '../../src/chat/signatures.js'
import { Cleanup } from '../cleanup.js'
import { answerJson, type Script } from '../scripted-upstream.js'
import { answerStreamText, type Harness, type Model, startHarness } from './harness.js'
import { chunk, dataRecord, dig, fragment, messageStart, protocolFixtures } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const gemini: Model = 'gemini/gemini-3-pro'
const user = (content: unknown): object => ({ role: 'user', content })
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const messageWith = (content: readonly object[], stop_reason: string): object => ({
  ...messageStart,
  content,
  stop_reason,
})

/** Uses a script for the first request, then the default script. */
function first(script: Script): void {
  let turn = 0
  const plain = harness.upstream.script
  harness.upstream.script = (req, res, seen) => (turn++ === 0 ? script : plain)(req, res, seen)
}

it('HC-042: keeps a signature on an empty text', async () => {
  first(answerJson(fragment([{ text: 'so' }, { text: '', thoughtSignature: 'dA==' }], 'STOP')))
  const { json } = await harness.ask('responses', gemini)
  await harness.expectAccepted('responses', gemini, { input: [user('hi'), ...list(dig(json, 'output')), user('and?')] })
  expect(JSON.stringify(dig(harness.sent(), 'contents', 1, 'parts'))).toContain('"thoughtSignature":"dA=="')
})

describe('HC-044: a conversation that switches models', () => {
  it('loses the reasoning of another provider, and keeps text and calls', async () => {
    first(
      answerJson({
        choices: [
          {
            index: 0,
            message: { role: 'assistant', reasoning_content: 'deep', content: 'said' },
            finish_reason: 'stop',
          },
        ],
      }),
    )
    const { json } = await harness.ask('messages', 'chat/deepseek')
    expect(dig(json, 'content', 0)).toMatchObject({
      type: 'thinking',
      thinking: 'deep',
      signature: expect.stringContaining(MARK),
    })
    const messages = [user('hi'), { role: 'assistant', content: dig(json, 'content') }, user('on')]
    await harness.expectAccepted('messages', 'messages/claude-opus-4-5', { messages })
    expect(dig(harness.sent(), 'messages', 1, 'content')).toEqual([{ type: 'text', text: 'said' }])
    expect(harness.upstream.seen.at(-1)?.body).not.toContain(MARK)
  })

  it('HC-046: sends no reasoning field to a server that does not know it', async () => {
    const content = [
      { type: 'thinking', thinking: 'deep', signature: 'x' },
      { type: 'text', text: 'said' },
    ]
    await harness.expectAccepted('messages', 'chat/m', {
      messages: [user('hi'), { role: 'assistant', content }, user('on')],
    })
    expect(dig(harness.sent(), 'messages', 1)).toEqual({ role: 'assistant', content: 'said' })
  })
})

it('HC-048: writes reasoning, text, reasoning and a call as separate blocks, and signs each reasoning block', async () => {
  const call = { index: 0, id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }
  const deltas = [
    { reasoning_content: 'a' },
    { content: '' },
    { content: 'b' },
    { reasoning_content: 'c' },
    { tool_calls: [call] },
  ]
  first(answerStreamText(deltas.map((delta) => chunk(delta)).join('') + chunk({}, 'tool_calls') + dataRecord('[DONE]')))
  const { records } = await harness.ask('messages', 'chat/m', { stream: true })
  const starts = records.filter((record) => dig(record, 'type') === 'content_block_start')
  expect(starts.map((record) => [dig(record, 'index'), dig(record, 'content_block', 'type')])).toEqual([
    [0, 'thinking'],
    [1, 'text'],
    [2, 'thinking'],
    [3, 'tool_use'],
  ])
  const signed = records.filter((record) => dig(record, 'delta', 'type') === 'signature_delta')
  expect(signed.map((record) => dig(record, 'index'))).toEqual([0, 2])
})

describe('HC-049: encrypted reasoning', () => {
  const reasoning = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }
  const sealed = answerJson({
    ...protocolFixtures.responses.whole('said'),
    output: [reasoning, ...list(dig(protocolFixtures.responses.whole('said'), 'output'))],
  })

  it.each<[Model, boolean]>([
    ['responses/gpt-5', true],
    ['responses/gpt-6', false],
  ])('is sent back to %s: %s', async (model, back) => {
    first(sealed)
    const { json } = await harness.ask('messages', 'responses/gpt-5')
    const messages = [user('hi'), { role: 'assistant', content: dig(json, 'content') }, user('on')]
    await harness.expectAccepted('messages', model, { messages })
    expect(harness.upstream.seen.at(-1)?.body.includes('"gAAA"')).toBe(back)
  })

  it('is tried once if the upstream cannot verify it', async () => {
    const message = 'The encrypted content could not be verified.'
    harness.upstream.script = answerJson(
      { error: { message, type: 'invalid_request_error', param: null, code: 'invalid_encrypted_content' } },
      400,
    )
    const { status, json } = await harness.ask('responses', 'responses/gpt-5', {
      with: { input: [reasoning, user('on')] },
    })
    expect([status, dig(json, 'error', 'code')]).toEqual([400, 'invalid_encrypted_content'])
    expect(harness.upstream.seen).toHaveLength(1)
  })
})

it('HC-050: hides redacted thinking from the client, and sends it back unchanged as the first block', async () => {
  const redacted = { type: 'redacted_thinking', data: 'EmwK' }
  first(answerJson(messageWith([redacted, { type: 'text', text: 'x' }], 'end_turn')))
  const { json, text } = await harness.ask('chat', 'messages/claude-sonnet-4-5')
  const message = dig(json, 'choices', 0, 'message')
  expect(dig(message, 'content')).toBe('x')
  expect(text).not.toContain('EmwK')
  await harness.expectAccepted('chat', 'messages/claude-sonnet-4-5', { messages: [user('hi'), message, user('on')] })
  expect(dig(harness.sent(), 'messages', 1, 'content')).toEqual([redacted, { type: 'text', text: 'x' }])
})
