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
import {
  answerContext,
  checkEventOrder,
  collectAnswer,
  parseChunks,
  readFields,
  readStream,
  writeStream,
} from './chat-fixtures.js'

const usage = { input: 5, cachedInput: 1, cacheWriteInput: 1, output: 3, reasoning: 2 }
const startEvent: ChatEvent = { type: 'start', id: 'up', model: 'real' }
const finishEvent: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } }
const blockEvent = (index: number, value: Block, choice = 0): ChatEvent => ({
  type: 'block',
  index,
  choice,
  block: value,
})
const deltaEvent = (index: number, text: string): ChatEvent => ({ type: 'delta', index, text })
const stopEvent = (index: number): ChatEvent => ({ type: 'stop', index })
const textBlock: Block = { type: 'text', text: '' }
const callBlock = (id: string): Block => ({ type: 'tool-call', id, name: 'f', input: '' })
const writtenDeltas = (events: ChatEvent[], context = answerContext()): unknown[] =>
  parseChunks(writeStream(events, context)).flatMap(({ choices }) =>
    (choices as { delta: unknown }[]).map((choice) => choice.delta),
  )

describe('writing a stream', () => {
  it('writes role, text, finish_reason and [DONE], with the same id, date and model in all chunks', () => {
    const written = writeStream([
      startEvent,
      blockEvent(0, textBlock),
      deltaEvent(0, 'a'),
      deltaEvent(0, ''),
      stopEvent(0),
      { type: 'usage', usage },
      finishEvent,
    ])
    expect(written.endsWith('\n\ndata: [DONE]\n\n')).toBe(true)
    const common = { id: 'chatcmpl-id1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'real' }
    const chunk = (delta: object, finish_reason: string | null): object => ({
      ...common,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    })
    // HC-078: no usage, because the request did not ask for it.
    expect(parseChunks(written)).toEqual([
      chunk({ role: 'assistant', content: '' }, null),
      chunk({ content: 'a' }, null),
      chunk({}, 'stop'),
    ])
  })

  it('HC-078: writes usage once, after the last finish, also with several choices', () => {
    const events = [
      startEvent,
      { type: 'usage', usage } as const,
      blockEvent(0, textBlock),
      stopEvent(0),
      blockEvent(1, textBlock, 1),
      stopEvent(1),
      finishEvent,
      { ...finishEvent, choice: 1 },
      { type: 'usage', usage } as const,
    ]
    const written = parseChunks(writeStream(events, answerContext({ wantsUsage: true })))
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

  it('HC-057: numbers calls by themselves; HC-058: writes an empty object for a call without input', () => {
    expect(
      writtenDeltas([
        startEvent,
        blockEvent(0, { type: 'reasoning', text: '' }),
        stopEvent(0),
        blockEvent(1, callBlock('a')),
        blockEvent(2, callBlock('b')),
        deltaEvent(2, '{"b":1}'),
        stopEvent(1),
        stopEvent(2),
        finishEvent,
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

  it('HC-120: escapes halves of a surrogate pair', () => {
    const written = writeStream([
      startEvent,
      blockEvent(0, textBlock),
      deltaEvent(0, '\ud83d'),
      deltaEvent(0, '\ude00'),
      stopEvent(0),
      finishEvent,
    ])
    expect(written).toContain('"\\ud83d"')
    expect(collectAnswer(readStream(Buffer.from(written).toString())).choices[0]?.blocks).toMatchObject([
      { text: '😀' },
    ])
  })

  it('writes the provider’s explanation of a refusal, function_call, and losses', () => {
    expect(
      writtenDeltas([startEvent, { type: 'finish', choice: 0, finish: { reason: 'refusal', explanation: 'no' } }]).at(
        -1,
      ),
    ).toEqual({ refusal: 'no' })
    const context = answerContext(readFields({ functions: [{ name: 'f' }] }))
    expect(
      writtenDeltas(
        [startEvent, blockEvent(0, callBlock('a')), deltaEvent(0, '{"x":1}'), stopEvent(0), finishEvent],
        context,
      ),
    ).toMatchObject([
      {},
      { function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{"x":1}' } },
      {},
    ])
    writeStream(
      [
        startEvent,
        blockEvent(0, callBlock('a')),
        stopEvent(0),
        blockEvent(1, callBlock('b')),
        stopEvent(1),
        finishEvent,
      ],
      context,
    )
    expect(context.losses.list.map(({ path }) => path)).toEqual(['content[1]'])
    const contextWithLoss = answerContext()
    writeStream(
      [startEvent, blockEvent(0, { type: 'foreign', protocol: 'x', kind: 'y', value: 1 }), stopEvent(0), finishEvent],
      contextWithLoss,
    )
    expect(contextWithLoss.losses.list.map(({ path }) => path)).toEqual(['content[0]'])
  })

  it('ends a failed stream without [DONE], also when no output came before', () => {
    const writer = openaiChat.writeStream(answerContext())
    expect(writer.fail(new RelayError('upstream_failed', 'gone'))).toBe(
      'data: {"error":{"message":"gone","type":"server_error","param":null,"code":"server_error"}}\n\n',
    )
    expect(openaiChat.writeStream(answerContext()).end()).toMatch(
      /"role":"assistant".*"finish_reason":"stop".*\[DONE]/s,
    )
  })
})

/** What Chat Completions can express of an answer: one text of each kind, then the calls. */
function summarize({ choices, usage: used }: ChatAnswer): unknown {
  return {
    used,
    choices: choices.map(({ blocks, finish: { reason } }) => ({
      reason,
      text: textOf(blocks, 'text'),
      reasoning: textOf(blocks, 'reasoning'),
      refusal: textOf(blocks, 'refusal'),
      signatures: blocks.flatMap((block) =>
        'signature' in block && block.signature ? [[block.type, block.signature.protocol, block.signature.value]] : [],
      ),
      citations: blocks.flatMap((block) =>
        (block.type === 'text' ? (block.citations ?? []) : []).map(({ url }) => url),
      ),
      images: blocks.filter(({ type }) => type === 'media').length,
      calls: blocks.flatMap((block) =>
        block.type === 'tool-call' ? [[block.id, block.name, block.input || '{}', block.freeform ?? false]] : [],
      ),
    })),
  }
}

function textOf(blocks: readonly Block[], type: 'text' | 'reasoning' | 'refusal'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function randomAnswer(seed: number): ChatAnswer {
  const random = seeded(seed)
  const randomText = (): string => pick(random, ['a', 'Grüße 😀', '{"x": 1}', 'line\nline', '"quoted" \u2028', ' '])
  const signature = (): Signature | undefined =>
    random() < 0.5 ? { protocol: 'anthropic-messages', value: randomText(), issuer: 'here' } : undefined
  const kinds: ((n: number) => Block)[] = [
    () => ({ type: 'reasoning', text: randomText(), signature: signature() }),
    () => ({
      type: 'text',
      text: randomText(),
      citations: random() < 0.3 ? [{ url: 'https://u', title: 't' }] : undefined,
    }),
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

describe('reading what was written', () => {
  const seeds = Array.from({ length: 300 }, (_, seed) => seed)

  it('gives the same answer, as a stream and as a whole', () => {
    for (const seed of seeds) {
      const answer = randomAnswer(seed)
      const events: ChatEvent[] = []
      replayAsEvents(answer, (event) => events.push(event))
      checkEventOrder(events)
      const context = answerContext({ wantsUsage: true })
      const expected = summarize(answer)
      expect(summarize(collectAnswer(readStream(writeStream(events, context)))), `stream ${seed}`).toEqual(expected)
      const whole = openaiChat.readAnswer(Buffer.from(openaiChat.writeAnswer(answer, context)), { id: 'r1' })
      expect(summarize(whole), `whole ${seed}`).toEqual(expected)
      expect(whole.model).toBe('m')
    }
  })

  it('HC-112: gives the same answer wherever the bytes are split', () => {
    const events: ChatEvent[] = []
    replayAsEvents(randomAnswer(7), (event) => events.push(event))
    const bytes = Buffer.from(writeStream(events))
    const expected = readStream(bytes.toString())
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = openaiChat.readStream({ id: 'r1' })
      const read: ChatEvent[] = []
      let pending = Buffer.alloc(0)
      for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        pending = Buffer.concat([pending, part])
        const whole = wholeRecords(pending)
        for (const record of readRecords(pending.subarray(0, whole))) reader.read(record, (event) => read.push(event))
        pending = pending.subarray(whole)
      }
      expect(read).toEqual(expected)
    }
  })

  it('readEnding finds the written stream complete', () => {
    for (const seed of [1, 2, 3]) {
      const events: ChatEvent[] = []
      replayAsEvents(randomAnswer(seed), (event) => events.push(event))
      const ending = openaiChat.readEnding(
        readRecords(Buffer.from(writeStream(events, answerContext({ wantsUsage: true })))).slice(-8),
      )
      expect(ending).toMatchObject({ complete: true, usage, upstreamError: undefined })
    }
  })
})
