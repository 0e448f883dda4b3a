import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson, type Script } from '../scripted-upstream.js'
import { answerStreamText, type ClientResponse, type Harness, type Model, OTHER_KEY, startHarness } from './harness.js'
import { dataRecord, dig, fragment, messageStart, namedRecord, type ProtocolName } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const user = (content: unknown): object => ({ role: 'user', content })
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Uses a script for the first request, then the default script. */
function first(script: Script): void {
  let turn = 0
  const plain = harness.upstream.script
  harness.upstream.script = (req, res, seen) => (turn++ === 0 ? script : plain)(req, res, seen)
}

/** A turn in Chat Completions: the assistant's message of an answer, whole or put together from a stream. */
function messageOf({ json, records }: ClientResponse): Record<string, unknown> {
  const whole = dig(json, 'choices', 0, 'message')
  if (whole) return whole as Record<string, unknown>
  const calls = new Map<unknown, Record<string, unknown>>()
  for (const piece of records.flatMap((record) => list(dig(record, 'choices', 0, 'delta', 'tool_calls')))) {
    const call = calls.get(dig(piece, 'index')) ?? { function: { name: '', arguments: '' } }
    const before = call.function as Record<string, string>
    const { index: _, function: named, ...rest } = piece as Record<string, unknown>
    const args = `${before.arguments}${dig(named, 'arguments') ?? ''}`
    calls.set(dig(piece, 'index'), {
      ...call,
      ...rest,
      function: { name: dig(named, 'name') ?? before.name, arguments: args },
    })
  }
  return { role: 'assistant', content: null, tool_calls: [...calls.values()] }
}

/** The next request: the calls with their results. `keeps`: the client keeps fields that it does not know. */
function nextRequest(message: Record<string, unknown>, keeps: boolean): object {
  const known = list(message.tool_calls).map((call) => {
    const { extra_content, ...rest } = call as Record<string, unknown>
    return keeps && extra_content ? { ...rest, extra_content } : rest
  })
  const results = known.map((call) => ({ role: 'tool', tool_call_id: dig(call, 'id'), content: 'done' }))
  const { reasoning_details, reasoning_content } = message
  const kept = keeps ? { reasoning_details, reasoning_content } : {}
  return { messages: [user('hi'), { role: 'assistant', content: null, tool_calls: known, ...kept }, ...results] }
}

const gemini: Model = 'gemini/gemini-3-pro'
const ls = { functionCall: { name: 'ls', args: {} }, thoughtSignature: 'U0lH' }
const pwd = { functionCall: { name: 'pwd', args: {} } }
const listing = {
  whole: answerJson(fragment([ls, pwd], 'STOP')),
  streamed: answerStreamText(dataRecord(fragment([ls])) + dataRecord(fragment([pwd], 'STOP'))),
}

/** The signatures of the calls that Gemini is sent. */
const signaturesSent = (): unknown[] =>
  list(dig(harness.sent(), 'contents', 1, 'parts')).map((part) => dig(part, 'thoughtSignature'))

describe.each([false, true])(
  'HC-041: a thoughtSignature goes through a client of Chat Completions, streamed: %s',
  (stream) => {
    async function turns(keeps: boolean, key?: string): Promise<ClientResponse> {
      first(stream ? listing.streamed : listing.whole)
      const response = await harness.ask('chat', gemini, { stream })
      await harness.expectAccepted('chat', gemini, nextRequest(messageOf(response), keeps), { ...(key && { key }) })
      return response
    }

    it('that keeps it: it stays on its own call', async () => {
      const response = await turns(true)
      const [call] = list(messageOf(response).tool_calls)
      expect(call).toMatchObject({ function: { name: 'ls' }, extra_content: { google: { thought_signature: 'U0lH' } } })
      expect(signaturesSent()).toEqual(['U0lH', undefined])
    })

    it('that drops it: the relay restores it by the call id', async () => {
      await turns(false)
      expect(signaturesSent()).toEqual(['U0lH', undefined])
    })

    it('of another tenant that drops it: the relay sends the validator skip instead', async () => {
      await turns(false, OTHER_KEY)
      expect(signaturesSent()).toEqual(['skip_thought_signature_validator', undefined])
    })
  },
)

describe('HC-041: a thoughtSignature goes through other clients', () => {
  it.each<[ProtocolName, (answer: unknown) => object]>([
    [
      'messages',
      (answer) => ({
        messages: [
          user('hi'),
          { role: 'assistant', content: dig(answer, 'content') },
          user(resultsOf(dig(answer, 'content'))),
        ],
      }),
    ],
    [
      'responses',
      (answer) => ({ input: [user('hi'), ...list(dig(answer, 'output')), ...outputsOf(dig(answer, 'output'))] }),
    ],
  ])('of %s', async (from, history) => {
    first(listing.whole)
    const { json } = await harness.ask(from, gemini)
    await harness.expectAccepted(from, gemini, history(json))
    expect(signaturesSent()).toEqual(['U0lH', undefined])
  })

  const resultsOf = (content: unknown): object[] =>
    list(content).flatMap((block) =>
      dig(block, 'type') === 'tool_use' ? [{ type: 'tool_result', tool_use_id: dig(block, 'id'), content: '1' }] : [],
    )
  const outputsOf = (output: unknown): object[] =>
    list(output).flatMap((item) =>
      dig(item, 'type') === 'function_call'
        ? [{ type: 'function_call_output', call_id: dig(item, 'call_id'), output: '1' }]
        : [],
    )
})

const thinking = [
  { type: 'thinking', thinking: 'hm', signature: 'c2lnbmVk' },
  { type: 'tool_use', id: 'toolu_1', name: 'ls', input: {} },
]
const answer = (content: readonly object[], stop_reason: string): object => ({ ...messageStart, content, stop_reason })
const thinkingAnswer = {
  whole: answerJson(answer(thinking, 'tool_use')),
  streamed: answerStreamText(
    [
      { type: 'message_start', message: messageStart },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'toolu_1', name: 'ls', input: {} },
      },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ]
      .map(namedRecord)
      .join(''),
  ),
}

describe.each([false, true])('HC-045: thinking before a tool call, streamed: %s', (stream) => {
  async function turns(keeps: boolean, model: Model, key?: string): Promise<ClientResponse> {
    first(stream ? thinkingAnswer.streamed : thinkingAnswer.whole)
    const response = await harness.ask('chat', 'messages/claude-sonnet-4-5', {
      stream,
      with: { reasoning_effort: 'medium' },
    })
    const fields = { ...nextRequest(messageOf(response), keeps), reasoning_effort: 'medium' }
    const [, next] = await harness.expectAccepted('chat', model, fields, { ...(key && { key }) })
    return next
  }

  it('is restored if the client has dropped it, and the model keeps thinking', async () => {
    await turns(false, 'messages/claude-sonnet-4-5')
    expect(dig(harness.sent(), 'messages', 1, 'content')).toMatchObject(thinking)
    expect(dig(harness.sent(), 'thinking', 'type')).toBe('enabled')
  })

  it('is not restored for another tenant, so thinking is off, with a loss', async () => {
    const { headers } = await turns(false, 'messages/claude-sonnet-4-5', OTHER_KEY)
    expect(dig(harness.sent(), 'messages', 1, 'content')).toMatchObject([{ type: 'tool_use', id: 'toolu_1' }])
    expect(harness.sent()).not.toHaveProperty('thinking')
    expect(headers.get('x-modelmount-losses')).toContain('reasoning_effort')
  })

  it('is not restored for another model (HC-044)', async () => {
    await turns(false, 'messages/claude-opus-4-5')
    expect(harness.upstream.seen.at(-1)?.body).not.toContain('c2lnbmVk')
  })
})
