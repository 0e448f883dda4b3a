import { afterEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { type Harness, type Model, startHarness } from './harness.js'
import { dig, type ProtocolName } from './protocol-fixtures.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const strictly = (): Promise<Harness> => startHarness(cleanup, { translation: 'strict' })
const user = (content: unknown): object => ({ role: 'user', content })

/** Fields that the other protocol cannot express, and their paths. */
const LOSSES: readonly [from: ProtocolName, to: Model, fields: object, path: string][] = [
  ['chat', 'messages/claude-opus-4-5', { frequency_penalty: 0.5 }, 'frequency_penalty'],
  ['chat', 'messages/claude-sonnet-5-5', { temperature: 0.2 }, 'temperature'],
  ['chat', 'messages/claude-opus-4-5', { messages: [{ ...user('x'), name: 'Al' }] }, 'messages[0].name'],
  ['chat', 'responses/gpt-5', { presence_penalty: 1 }, 'presence_penalty'],
  ['chat', 'responses/gpt-5', { seed: 7 }, 'seed'],
  ['chat', 'gemini/gemini-2.5-pro', { logit_bias: { 5: 1 } }, 'logit_bias'],
  ['messages', 'chat/m', { top_k: 5 }, 'top_k'],
  ['gemini', 'messages/claude-opus-4-5', { generationConfig: { seed: 7 } }, 'generationConfig.seed'],
  ['responses', 'chat/m', { truncation: 'auto' }, 'truncation'],
  ['messages', 'chat/m', { x_own: 1 }, 'x_own'],
  ['gemini', 'messages/m', { xOwn: 1 }, 'xOwn'],
  ['gemini', 'responses/gpt-5', { generationConfig: { frequencyPenalty: 1 } }, 'generationConfig.frequencyPenalty'],
  [
    'chat',
    'responses/m',
    { messages: [user([{ type: 'text', text: 'q', x_own: 1 }])] },
    'messages[0].content[0].x_own',
  ],
]

describe('translation: lenient', () => {
  it.each(LOSSES)(
    'from %s to %s: drops %j, and names the loss in header and record',
    async (from, to, fields, path) => {
      for (const stream of [false, true]) {
        const harness = await startHarness(cleanup)
        const [, { headers }] = await harness.expectAccepted(from, to, fields, { stream })
        const header = headers.get('x-modelmount-losses') ?? ''
        expect(header.split('; ').map((loss) => loss.split(': ')[0])).toEqual([path])
        expect(harness.records[0]?.losses.map((loss) => `${loss.path}: ${loss.reason}`).join('; ')).toBe(header)
      }
    },
  )

  it('sends no header where nothing is lost', async () => {
    const harness = await startHarness(cleanup)
    const [, { headers }] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', {
      temperature: 0.5,
      stop: ['x'],
      user: 'u',
    })
    expect(headers.get('x-modelmount-losses')).toBeNull()
    expect(harness.records[0]?.losses).toEqual([])
  })

  it('limits the header to printable ASCII and to 5000 characters', async () => {
    const harness = await startHarness(cleanup)
    const fields = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`fieldé${index}\n`, 1]))
    const [, { headers }] = await harness.expectAccepted('chat', 'messages/claude-opus-4-5', fields)
    const header = headers.get('x-modelmount-losses') ?? ''
    expect(header).toMatch(/^[\x20-\x7e]+$/)
    expect(header.length).toBeLessThan(5000)
    expect(harness.records[0]?.losses).toHaveLength(200)
  })
})

describe('translation: strict', () => {
  it.each(LOSSES)('from %s to %s: refuses %j with its path', async (from, to, fields, path) => {
    const harness = await strictly()
    for (const stream of [false, true]) {
      const { status, json, text } = await harness.ask(from, to, { with: fields, stream })
      expect(status, text).toBe(400)
      expect(dig(json, 'error', 'message')).toContain(`${path}: `)
      if (from === 'chat' || from === 'responses')
        expect(dig(json, 'error')).toMatchObject({ code: 'untranslatable', param: path })
    }
    expect(harness.upstream.seen).toHaveLength(0)
    expect(harness.records[0]).toMatchObject({ outcome: 'failed', status: 400, error: 'untranslatable' })
  })

  it('accepts requests without losses, and every field within the same protocol', async () => {
    const harness = await strictly()
    await harness.expectAccepted('chat', 'messages/claude-opus-4-5', { temperature: 0.5 })
    await harness.expectAccepted('chat', 'chat/m', { frequency_penalty: 0.5, brand_new: 1 })
    expect(harness.sent()).toMatchObject({ frequency_penalty: 0.5, brand_new: 1 })
  })

  it('names the first loss in param, and all losses in the message', async () => {
    const harness = await strictly()
    const { message, param } = await harness.expectRefused('chat', 'responses/gpt-5', { top_k: 5, seed: 7 })
    expect([param, message]).toEqual(['top_k', expect.stringMatching(/top_k: .*; seed: /)])
  })
})

describe('a turn of which nothing can be translated', () => {
  const audio = [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }]
  const rows: readonly [ProtocolName, Model, object, string][] = [
    ['chat', 'messages/m', { messages: [user(audio)] }, 'messages[0]'],
    ['chat', 'messages/m', { messages: [user('x'), user(audio)] }, 'messages[1]'],
    ['messages', 'chat/m', { messages: [user([{ type: 'container_upload', file_id: 'file_1' }])] }, 'messages[0]'],
    ['responses', 'gemini/m', { input: [user([{ type: 'input_file', file_id: 'file_1' }])] }, 'input[0]'],
    [
      'gemini',
      'responses/m',
      { contents: [{ role: 'user', parts: [{ fileData: { fileUri: 'https://x/v.mp4', mimeType: 'video/mp4' } }] }] },
      'contents[0]',
    ],
  ]

  it.each(rows)('from %s to %s is refused with its path: %j', async (from, model, fields, path) => {
    const harness = await startHarness(cleanup)
    const { message } = await harness.expectRefused(from, model, fields)
    expect(message).toContain(path)
  })
})
