import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerIn, type Harness, type Model, startHarness } from './harness.js'
import { dig, type ProtocolName, protocolFixtures } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const user = (content: unknown): object => ({ role: 'user', content })

describe('sampling and output caps', () => {
  it('HC-008: drops a temperature with a loss for a reasoning model, and the default of 1 without one', async () => {
    for (const [temperature, losses] of [
      [0.3, 'temperature: is not supported by this model'],
      [1, null],
    ]) {
      const [body, { headers }] = await harness.expectAccepted('chat', 'responses/gpt-5.6-luna', { temperature })
      expect(body).not.toHaveProperty('temperature')
      expect(headers.get('x-modelmount-losses')).toBe(losses)
    }
    expect((await harness.expectAccepted('chat', 'responses/gpt-4.1', { temperature: 0.3 }))[0]).toMatchObject({
      temperature: 0.3,
    })
  })

  it('HC-010: turns a cap of 0 into a prewarm or an error, never into a paid answer', async () => {
    const [body] = await harness.expectAccepted('messages', 'responses/gpt-5', { max_tokens: 0 })
    expect(body).toMatchObject({ prompt_cache_options: { prewarm: true } })
    expect(body).not.toHaveProperty('max_output_tokens')
    expect((await harness.expectRefused('messages', 'chat/m', { max_tokens: 0 })).message).toContain('max_tokens')
  })

  it('HC-034: applies stop sequences itself where Responses has none, whole and streamed', async () => {
    const stop = ['\n\nUser:', 'END']
    harness.upstream.script = answerIn('responses', 'Hello\n', '\nUs', 'er: and', ' more')
    const [body, { json, headers }] = await harness.expectAccepted('chat', 'responses/gpt-5', { stop })
    expect(body).not.toHaveProperty('stop')
    expect(headers.get('x-modelmount-losses')).toBeNull()
    expect(dig(json, 'choices', 0)).toMatchObject({ message: { content: 'Hello' }, finish_reason: 'stop' })
    const streamed = await harness.ask('chat', 'responses/gpt-5', { with: { stop }, stream: true })
    expect(protocolFixtures.chat.textOfRecords(streamed.records)).toBe('Hello')
    expect(streamed.text).toMatch(protocolFixtures.chat.endOfStream)
    expect(dig(streamed.records.at(-1), 'choices', 0, 'finish_reason')).toBe('stop')
    const message = await harness.ask('messages', 'responses/gpt-5', { with: { stop_sequences: stop } })
    expect(message.json).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: '\n\nUser:' })
  })

  it('applies the stop sequences beyond the upstream’s maximum itself', async () => {
    const stop = ['1', '2', '3', '4', '5', 'END']
    harness.upstream.script = answerIn('gemini', 'Hello E', 'ND more')
    const [body, { json, headers }] = await harness.expectAccepted('chat', 'gemini/m', { stop })
    expect(dig(body, 'generationConfig', 'stopSequences')).toEqual(stop.slice(0, 5))
    expect(headers.get('x-modelmount-losses')).toBeNull()
    expect(dig(json, 'choices', 0, 'message', 'content')).toBe('Hello ')
  })

  it('HC-037: passes a vendor’s own fields on within the same protocol', async () => {
    const messages = [user('x'), { role: 'assistant', content: '{"name":', partial: true }]
    expect((await harness.expectAccepted('chat', 'chat/kimi', { messages, enable_thinking: false }))[0]).toMatchObject({
      messages,
      enable_thinking: false,
    })
    const [body] = await harness.expectAccepted('responses', 'chat/kimi', {})
    expect(harness.upstream.seen.at(-1)?.body).not.toContain('partial')
    expect(body).toHaveProperty('messages')
  })

  it.each<[string, string, unknown]>([
    ['minimal', 'claude-opus-5-5', 'low'],
    ['none', 'claude-opus-5-5', 'low'],
    ['xhigh', 'claude-opus-4-6', 'high'],
  ])('HC-052: writes the effort %s for %s as %s', async (reasoning_effort, model, effort) => {
    const [body, { headers }] = await harness.expectAccepted('chat', `messages/${model}`, { reasoning_effort })
    expect(dig(body, 'output_config', 'effort')).toBe(effort)
    if (reasoning_effort === 'none') expect(headers.get('x-modelmount-losses')).toContain('reasoning_effort')
  })

  it('HC-052: refuses an unknown effort, and names the known ones', async () => {
    const { message, param } = await harness.expectRefused('chat', 'messages/m', { reasoning_effort: 'turbo' })
    expect([param, message]).toEqual(['reasoning_effort', expect.stringMatching(/none.*minimal.*low.*medium.*high/)])
  })
})

it('HC-025: writes tools, tool choice and format in the flat form of Responses, with an explicit strict', async () => {
  const schema = { type: 'object', properties: {} }
  const [body] = await harness.expectAccepted('chat', 'responses/gpt-5', {
    tools: [
      { type: 'function', function: { name: 'f', parameters: {} } },
      { type: 'custom', custom: { name: 'p' } },
    ],
    tool_choice: { type: 'function', function: { name: 'f' } },
    response_format: { type: 'json_schema', json_schema: { name: 's', schema, strict: true } },
  })
  expect(body).toMatchObject({
    tools: [
      { type: 'function', name: 'f', parameters: {}, strict: false },
      { type: 'custom', name: 'p' },
    ],
    tool_choice: { type: 'function', name: 'f' },
    text: { format: { type: 'json_schema', name: 's', schema, strict: true } },
  })
})

it('HC-026: drops a reasoning item without text in every protocol', async () => {
  const input = [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }, user('continue')]
  const [chat] = await harness.expectAccepted('responses', 'chat/m', { input })
  expect(dig(chat, 'messages')).toEqual([{ role: 'user', content: 'continue' }])
  const [messages] = await harness.expectAccepted('responses', 'messages/m', { input })
  expect(dig(messages, 'messages')).toEqual([{ role: 'user', content: [{ type: 'text', text: 'continue' }] }])
  const [gemini] = await harness.expectAccepted('responses', 'gemini/m', { input })
  expect(dig(gemini, 'contents')).toEqual([{ role: 'user', parts: [{ text: 'continue' }] }])
})

describe('HC-040: a block that only one protocol has', () => {
  const result = { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'x' }] }
  const rows: [ProtocolName, object, string][] = [
    ['messages', { messages: [user([{ type: 'text', text: 'q' }, result])] }, 'messages[0].content[1]'],
    [
      'messages',
      {
        messages: [
          user([
            { type: 'text', text: 'q' },
            { type: 'brand_new', x: 1 },
          ]),
        ],
      },
      'messages[0].content[1]',
    ],
    [
      'gemini',
      { contents: [{ role: 'user', parts: [{ text: 'q' }, { toolCall: { id: '1' } }] }] },
      'contents[0].parts[1]',
    ],
    [
      'gemini',
      { contents: [{ role: 'user', parts: [{ text: 'q' }, { brandNew: { id: '1' } }] }] },
      'contents[0].parts[1]',
    ],
  ]

  it.each(rows)('passes unchanged within %s: %j', async (from, fields) => {
    await harness.expectAccepted(from, `${from}/m`, fields)
    expect(harness.sent()).toMatchObject(fields)
  })

  it.each(rows)('of %s is a loss or an error in other protocols: %j', async (from, fields, path) => {
    const { status, json, headers } = await harness.ask(from, 'chat/m' as Model, { with: fields })
    const reported = status === 200 ? headers.get('x-modelmount-losses') : String(dig(json, 'error', 'message'))
    expect([200, 400]).toContain(status)
    expect(reported).toContain(path)
    if (status === 400) expect(protocolFixtures[from].textOfAnswer(json)).toBe('')
  })
})
