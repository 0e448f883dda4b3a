import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { replayAsEvents } from '../../../src/chat/replay-answer.js'
import type { Signature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { readRecords, wholeRecords } from '../../../src/lib/sse.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { pick, seeded } from '../../random.js'
import { answering, checkContract, chunks, fold, readFields, readStream, stream } from './kit.js'

const usage = { input: 5, cachedInput: 1, cacheWriteInput: 1, output: 3, reasoning: 2 }
const start: ChatEvent = { type: 'start', id: 'up', model: 'real' }
const finish: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } }
const block = (index: number, value: Block, choice = 0): ChatEvent => ({ type: 'block', index, choice, block: value })
const say = (index: number, text: string): ChatEvent => ({ type: 'delta', index, text })
const close = (index: number): ChatEvent => ({ type: 'stop', index })
const text: Block = { type: 'text', text: '' }
const call = (id: string): Block => ({ type: 'tool-call', id, name: 'f', input: '' })
const deltas = (events: ChatEvent[], to = answering()): unknown[] =>
  chunks(stream(events, to)).flatMap(({ choices }) => (choices as { delta: unknown }[]).map((choice) => choice.delta))

describe('a stream is written', () => {
  it('role, words, reason, end: id, date and model the same in all', () => {
    const written = stream([start, block(0, text), say(0, 'a'), say(0, ''), close(0), { type: 'usage', usage }, finish])
    expect(written.endsWith('\n\ndata: [DONE]\n\n')).toBe(true)
    const common = { id: 'chatcmpl-id1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'real' }
    const chunk = (delta: object, finish_reason: string | null): object => ({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
    // HC-078: no usage that was not asked for.
    expect(chunks(written)).toEqual([
      chunk({ role: 'assistant', content: '' }, null),
      chunk({ content: 'a' }, null),
      chunk({}, 'stop'),
    ])
  })

  it('HC-078: usage once, after the last finish, also of several choices', () => {
    const events = [
      start,
      { type: 'usage', usage } as const,
      block(0, text),
      close(0),
      block(1, text, 1),
      close(1),
      finish,
      { ...finish, choice: 1 },
      { type: 'usage', usage } as const,
    ]
    const written = chunks(stream(events, answering({ wantsUsage: true })))
    expect(written.filter((chunk) => 'usage' in chunk)).toHaveLength(1)
    expect(written.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
    })
    expect(
      written
        .flatMap(({ choices }) => choices as { index: number; delta: { role?: string } }[])
        .filter(({ delta }) => delta.role)
        .map(({ index }) => index),
    ).toEqual([0, 1])
  })

  it('HC-057: calls are numbered among themselves; HC-058: none is without input', () => {
    expect(
      deltas([
        start,
        block(0, { type: 'reasoning', text: '' }),
        close(0),
        block(1, call('a')),
        block(2, call('b')),
        say(2, '{"b":1}'),
        close(1),
        close(2),
        finish,
      ]),
    ).toEqual([
      { role: 'assistant', content: '' },
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{"b":1}' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{}' } }] },
      {},
    ])
  })

  it('HC-120: halves of a character stay escaped', () => {
    const written = stream([start, block(0, text), say(0, '\ud83d'), say(0, '\ude00'), close(0), finish])
    expect(written).toContain('"\\ud83d"')
    expect(fold(readStream(Buffer.from(written).toString())).choices[0]?.blocks).toMatchObject([{ text: '😀' }])
  })

  it('a refusal in its provider’s words, the old kind of calls, and what has no word', () => {
    expect(
      deltas([start, { type: 'finish', choice: 0, finish: { reason: 'refusal', explanation: 'no' } }]).at(-1),
    ).toEqual({ refusal: 'no' })
    const to = answering(readFields({ functions: [{ name: 'f' }] }))
    expect(deltas([start, block(0, call('a')), say(0, '{"x":1}'), close(0), finish], to)).toMatchObject([
      {},
      { function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{"x":1}' } },
      {},
    ])
    stream([start, block(0, call('a')), close(0), block(1, call('b')), close(1), finish], to)
    expect(to.losses.list.map(({ path }) => path)).toEqual(['content[1]'])
    const lost = answering()
    stream([start, block(0, { type: 'foreign', protocol: 'x', kind: 'y', value: 1 }), close(0), finish], lost)
    expect(lost.losses.list.map(({ path }) => path)).toEqual(['content[0]'])
  })

  it('a failure ends it without a mark of success, also when nothing came before', () => {
    const writer = openaiChat.writeStream(answering())
    expect(writer.fail(new RelayError('upstream_failed', 'gone'))).toBe(
      'data: {"error":{"message":"gone","type":"server_error","param":null,"code":"server_error"}}\n\n',
    )
    expect(openaiChat.writeStream(answering()).end()).toMatch(/"role":"assistant".*"finish_reason":"stop".*\[DONE]/s)
  })
})

/** An answer as this language can say it: of each kind one text, the calls behind. */
function said({ choices, usage: used }: ChatAnswer): unknown {
  return {
    used,
    choices: choices.map(({ blocks, finish: { reason } }) => ({
      reason,
      text: joined(blocks, 'text'),
      reasoning: joined(blocks, 'reasoning'),
      refusal: joined(blocks, 'refusal'),
      proofs: blocks.flatMap((one) =>
        'signature' in one && one.signature ? [[one.type, one.signature.protocol, one.signature.value]] : [],
      ),
      citations: blocks.flatMap((one) => (one.type === 'text' ? (one.citations ?? []) : []).map(({ url }) => url)),
      images: blocks.filter(({ type }) => type === 'media').length,
      calls: blocks.flatMap((one) =>
        one.type === 'tool-call' ? [[one.id, one.name, one.input || '{}', one.freeform ?? false]] : [],
      ),
    })),
  }
}

function joined(blocks: readonly Block[], type: 'text' | 'reasoning' | 'refusal'): string {
  return blocks.map((one) => (one.type === type ? one.text : '')).join('')
}

function invented(seed: number): ChatAnswer {
  const random = seeded(seed)
  const words = (): string => pick(random, ['a', 'Grüße 😀', '{"x": 1}', 'line\nline', '"quoted" \u2028', ' '])
  const signature = (): Signature | undefined =>
    random() < 0.5 ? { protocol: 'anthropic-messages', value: words(), issuer: 'here' } : undefined
  const kinds: ((n: number) => Block)[] = [
    () => ({ type: 'reasoning', text: words(), signature: signature() }),
    () => ({ type: 'text', text: words(), citations: random() < 0.3 ? [{ url: 'https://u', title: 't' }] : undefined }),
    () => ({ type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/i.png' } }),
    (n) => ({
      type: 'tool-call',
      id: `c${n}`,
      name: 'f',
      input: pick(random, ['', '{"a":1.0}']),
      freeform: random() < 0.1 ? true : undefined,
    }),
  ]
  const blocks = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, n) => pick(random, kinds)(n))
  const hasCalls = blocks.some(({ type }) => type === 'tool-call')
  const choice = {
    blocks,
    finish: { reason: hasCalls ? 'tool-calls' : pick(random, ['stop', 'length', 'filter']) },
  } as ChatAnswer['choices'][number]
  return { id: 'x', model: 'm', choices: random() < 0.2 ? [choice, choice] : [choice], usage }
}

describe('what is written is read as it was meant', () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed)

  it('as a stream, and as a whole', () => {
    for (const seed of seeds) {
      const answer = invented(seed)
      const events: ChatEvent[] = []
      replayAsEvents(answer, (event) => events.push(event))
      checkContract(events)
      const to = answering({ wantsUsage: true })
      const expected = said(answer)
      expect(said(fold(readStream(stream(events, to)))), `stream ${seed}`).toEqual(expected)
      const whole = openaiChat.readAnswer(Buffer.from(openaiChat.writeAnswer(answer, to)), { id: 'r1' })
      expect(said(whole), `whole ${seed}`).toEqual(expected)
      expect(whole.model).toBe('m')
    }
  })

  it('HC-112: wherever the bytes are cut', () => {
    const events: ChatEvent[] = []
    replayAsEvents(invented(7), (event) => events.push(event))
    const bytes = Buffer.from(stream(events))
    const expected = readStream(bytes.toString())
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = openaiChat.readStream({ id: 'r1' })
      const read: ChatEvent[] = []
      let wrapSignature = Buffer.alloc(0)
      for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        wrapSignature = Buffer.concat([wrapSignature, part])
        const whole = wholeRecords(wrapSignature)
        for (const record of readRecords(wrapSignature.subarray(0, whole)))
          reader.read(record, (event) => read.push(event))
        wrapSignature = wrapSignature.subarray(whole)
      }
      expect(read).toEqual(expected)
    }
  })

  it('and its end is an end to those who pass it on', () => {
    for (const seed of [1, 2, 3]) {
      const events: ChatEvent[] = []
      replayAsEvents(invented(seed), (event) => events.push(event))
      const ending = openaiChat.readEnding(
        readRecords(Buffer.from(stream(events, answering({ wantsUsage: true })))).slice(-8),
      )
      expect(ending).toMatchObject({ complete: true, usage, upstreamError: undefined })
    }
  })
})
