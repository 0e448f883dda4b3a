import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/chat/events.js'
import { Losses } from '../../../src/chat/losses.js'
import { RelayError } from '../../../src/errors.js'
import { readRecords, wholeRecords } from '../../../src/lib/sse.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { pick, seeded } from '../../random.js'
import { answering, eventsOf, folded, fragment, plain, streamOf, writeAll } from './setting.js'

const stop = { finishReason: 'STOP' }
const types = (events: readonly ChatEvent[]): string => events.map(({ type }) => type).join(' ')

/** What the contract of events asks of every stream. */
function lawful(events: readonly ChatEvent[]): void {
  const [first, ...rest] = events
  expect(first?.type).toBe('start')
  expect(rest.filter(({ type }) => type === 'start')).toEqual([])
  const open = new Map<number, number>()
  const finished = new Set<number>()
  let next = 0
  for (const event of rest) {
    if (event.type === 'block') {
      expect(event.index).toBe(next++)
      expect(finished.has(event.choice)).toBe(false)
      open.set(event.index, event.choice)
    } else if (event.type === 'stop') expect(open.delete(event.index)).toBe(true)
    else if (event.type === 'delta' || event.type === 'mark') expect(open.has(event.index)).toBe(true)
    else if (event.type === 'finish') {
      expect([...open.values()]).not.toContain(event.choice)
      expect(finished.has(event.choice)).toBe(false)
      finished.add(event.choice)
    }
  }
  expect(open.size).toBe(0)
}

describe('reading a stream', () => {
  it('HC-053: reads STOP after a call as tool-calls', () => {
    const call = fragment([{ functionCall: { name: 'w', args: { c: 'B' } } }])
    const usageMetadata = {
      promptTokenCount: 107,
      candidatesTokenCount: 31,
      thoughtsTokenCount: 148,
      totalTokenCount: 286,
    }
    const { events, reader } = eventsOf(streamOf(call, fragment([{ text: '' }], stop, { usageMetadata })))
    lawful(events)
    expect(types(events)).toBe('start block delta stop usage finish')
    expect(events.at(-1)).toMatchObject({ finish: { reason: 'tool-calls' } })
    expect(folded(events).usage).toMatchObject({ input: 107, output: 179, reasoning: 148 })
    expect(reader.state).toBe('complete')
  })

  it('HC-054: numbers parallel calls over the whole stream', () => {
    const calls = ['A', 'B', 'C'].map((c) => fragment([{ functionCall: { name: 'w', args: { c } } }]))
    const { events } = eventsOf(streamOf(...calls, fragment([], stop)))
    lawful(events)
    expect(folded(events).choices[0]?.blocks).toMatchObject([
      { id: 'call_abc_0', input: '{"c":"A"}' },
      { id: 'call_abc_1', input: '{"c":"B"}' },
      { id: 'call_abc_2', input: '{"c":"C"}' },
    ])
  })

  it('HC-042: keeps the signature of a call, and of an empty text', () => {
    const { events } = eventsOf(
      streamOf(
        fragment([{ functionCall: { name: 'A' }, thoughtSignature: 's' }, { functionCall: { name: 'B' } }]),
        fragment([{ text: '', thoughtSignature: 't' }], stop),
      ),
    )
    lawful(events)
    const signature = (value: string) => ({ protocol: 'gemini', value })
    expect(plain(folded(events).choices[0]?.blocks)).toEqual([
      { type: 'tool-call', id: 'call_abc_0', name: 'A', input: '{}', signature: signature('s') },
      { type: 'tool-call', id: 'call_abc_1', name: 'B', input: '{}' },
      { type: 'text', text: '', signature: signature('t') },
    ])
  })

  it('separates thoughts from text, and continues a text over fragments', () => {
    const { events } = eventsOf(
      streamOf(
        fragment([{ text: 'h', thought: true }]),
        fragment([{ text: 'm', thought: true }, { text: 'a' }]),
        fragment([{ text: '' }]),
        fragment([{ text: 'b' }]),
        fragment([{ text: '', thoughtSignature: 's' }], stop),
      ),
    )
    lawful(events)
    expect(types(events)).toBe('start block delta delta stop block delta delta mark stop finish')
    expect(folded(events).choices[0]?.blocks).toMatchObject([
      { type: 'reasoning', text: 'hm' },
      { type: 'text', text: 'ab', signature: { value: 's' } },
    ])
  })

  it('HC-076: emits citations that arrive after their text', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a.test' } }],
      groundingSupports: [{ segment: { startIndex: 6, endIndex: 12, text: 'です' }, groundingChunkIndices: [0] }],
    }
    const { events } = eventsOf(
      streamOf(
        fragment([{ text: '日本' }]),
        fragment([{ text: 'です' }]),
        fragment([], { ...stop, groundingMetadata }),
      ),
    )
    lawful(events)
    expect(folded(events).choices[0]?.blocks).toMatchObject([
      { citations: [{ url: 'https://a.test', start: 2, end: 4 }] },
    ])
  })

  it('HC-068: ends at a blocked prompt', () => {
    const { events, reader } = eventsOf(
      streamOf({ promptFeedback: { blockReason: 'OTHER' }, usageMetadata: { promptTokenCount: 8 } }),
    )
    lawful(events)
    expect(folded(events).choices).toMatchObject([{ blocks: [], finish: { reason: 'filter' } }])
    expect(reader.state).toBe('complete')
  })

  it('HC-069: emits an error for a malformed call', () => {
    const { events, reader } = eventsOf(
      streamOf(
        fragment([{ text: 'a' }]),
        fragment([], { finishReason: 'MALFORMED_FUNCTION_CALL' }),
        fragment([{ text: 'b' }]),
      ),
    )
    expect(types(events)).toBe('start block delta error')
    expect(reader.state).toBe('open')
  })

  it('HC-096: stays open without a finish reason', () => {
    expect(eventsOf(streamOf(fragment([{ text: 'a' }]))).reader.state).toBe('open')
    const two = [
      { index: 0, content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' },
      { index: 1, content: { parts: [{ text: 'b' }] } },
    ]
    expect(eventsOf(streamOf({ candidates: two })).reader.state).toBe('open')
  })

  it('HC-118, HC-093: ends at the first invalid record or error', () => {
    const stream = `${streamOf(fragment([{ text: 'a' }]))}data: {"candidates":[\n\n${streamOf(fragment([{ text: 'b' }], stop))}`
    expect(types(eventsOf(stream).events)).toBe('start block delta error')
    const error = { code: 503, message: 'busy', status: 'UNAVAILABLE' }
    expect(eventsOf(streamOf({ error })).events).toEqual([
      { type: 'error', upstreamError: { status: 503, message: 'busy', type: 'UNAVAILABLE', code: null, param: null } },
    ])
    expect(types(eventsOf(streamOf([{ error }])).events)).toBe('error')
  })

  it('continues after a STOP in every fragment, as old models send it', () => {
    const { events } = eventsOf(streamOf(fragment([{ text: 'a' }], stop), fragment([{ text: 'b' }], stop)))
    expect(
      folded(events)
        .choices[0]?.blocks.map((block) => block.type === 'text' && block.text)
        .join(''),
    ).toBe('ab')
  })

  it('skips the end marker of other protocols', () => {
    const { events } = eventsOf(`${streamOf(fragment([{ text: 'a' }], stop))}data: [DONE]\n\n`)
    lawful(events)
  })

  it('keeps counts that a later fragment leaves out', () => {
    const { events } = eventsOf(
      streamOf(
        fragment([{ text: 'a' }], {}, { usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 1 } }),
        fragment([], stop, { usageMetadata: { candidatesTokenCount: 3 } }),
      ),
    )
    expect(folded(events).usage).toMatchObject({ input: 7, output: 3 })
  })

  it("joins Vertex's partial arguments", () => {
    const piece = (functionCall: object) => fragment([{ functionCall }])
    const string = (jsonPath: string, stringValue: string) => ({ jsonPath, stringValue })
    const { events } = eventsOf(
      streamOf(
        piece({ name: 'f', id: 'x', willContinue: true }),
        piece({ partialArgs: [string('$.place.city', 'Bos')], willContinue: true }),
        piece({
          partialArgs: [string('$.place.city', 'ton'), { jsonPath: '$.days[0]', numberValue: 3 }],
          willContinue: true,
        }),
        piece({ partialArgs: [{ jsonPath: '$.__proto__.bad', boolValue: true }] }),
        piece({ name: 'g', args: { a: 1 } }),
        fragment([], stop),
      ),
    )
    lawful(events)
    const [first, second] = folded(events).choices[0]?.blocks ?? []
    expect(first).toMatchObject({ id: 'x', name: 'f' })
    expect(JSON.parse((first as { input: string }).input)).toMatchObject({ place: { city: 'Boston' }, days: [3] })
    expect(second).toMatchObject({ name: 'g', input: '{"a":1}' })
    expect(({} as { bad?: boolean }).bad).toBeUndefined()
  })
})

const finish: ChatEvent = { type: 'finish', choice: 0, finish: { reason: 'stop' } }
const textBlock = (index: number, choice = 0): ChatEvent => ({
  type: 'block',
  index,
  choice,
  block: { type: 'text', text: '' },
})

describe('writing a stream', () => {
  it('HC-066: writes records of one data line, and no end marker', () => {
    const stream = writeAll([
      { type: 'start', id: 'r', model: 'm' },
      textBlock(0),
      { type: 'delta', index: 0, text: 'line\nbreak   ü' },
      { type: 'stop', index: 0 },
      { type: 'usage', usage: { input: 5, cachedInput: 0, cacheWriteInput: 0, output: 2, reasoning: 0 } },
      finish,
    ])
    expect(stream.replace(/data: \{[^\n]*\}\n\n/g, '')).toBe('')
    const records = readRecords(Buffer.from(stream)).map(({ data }) => JSON.parse(data))
    expect(records).toEqual([
      {
        candidates: [{ content: { parts: [{ text: 'line\nbreak   ü' }], role: 'model' }, index: 0 }],
        modelVersion: 'm',
        responseId: 'r',
      },
      {
        candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 },
        modelVersion: 'm',
        responseId: 'r',
      },
    ])
  })

  it('HC-056: writes interleaved calls one after another, each complete', () => {
    const call = (index: number): ChatEvent => ({
      type: 'block',
      index,
      choice: 0,
      block: { type: 'tool-call', id: `c${index}`, name: 'f', input: '' },
    })
    const stream = writeAll([
      { type: 'start' },
      call(0),
      call(1),
      { type: 'delta', index: 0, text: '{"a"' },
      { type: 'delta', index: 1, text: '{"b"\n' },
      { type: 'delta', index: 0, text: ':1}' },
      { type: 'delta', index: 1, text: ':2}' },
      { type: 'stop', index: 1 },
      { type: 'stop', index: 0 },
      { type: 'finish', choice: 0, finish: { reason: 'tool-calls' } },
    ])
    expect(stream.replace(/data: \{[^\n]*\}\n\n/g, '')).toBe('')
    expect(folded(eventsOf(stream).events).choices[0]).toMatchObject({
      blocks: [
        { id: 'c0', input: '{"a":1}' },
        { id: 'c1', input: '{"b":2}' },
      ],
      finish: { reason: 'tool-calls' },
    })
  })

  it('writes signatures, citations and several choices', () => {
    const losses = new Losses('gemini')
    const stream = writeAll(
      [
        { type: 'start' },
        textBlock(0),
        textBlock(1, 1),
        { type: 'delta', index: 0, text: 'né' },
        { type: 'delta', index: 1, text: 'other' },
        { type: 'delta', index: 0, text: 'e!' },
        { type: 'mark', index: 0, signature: { protocol: 'openai-responses', value: 'x', id: 'rs_1' } },
        { type: 'mark', index: 0, citation: { url: 'https://a.test', start: 1, end: 3 } },
        { type: 'stop', index: 0 },
        { type: 'stop', index: 1 },
        { type: 'block', index: 2, choice: 0, block: { type: 'foreign', protocol: 'x', kind: 'y', value: {} } },
        { type: 'stop', index: 2 },
        { type: 'finish', choice: 1, finish: { reason: 'length' } },
        finish,
      ],
      losses,
    )
    expect(losses.list.map(({ path }) => path)).toEqual(['content[2]'])
    expect(stream).toContain('"segment":{"startIndex":1,"endIndex":4,"text":"ée"}')
    expect(plain(folded(eventsOf(stream).events).choices)).toMatchObject([
      {
        blocks: [
          { text: 'née!', citations: [{ url: 'https://a.test', start: 1, end: 3 }], signature: { protocol: 'gemini' } },
        ],
      },
      { blocks: [{ text: 'other' }], finish: { reason: 'length' } },
    ])
  })

  it('writes a finish without events, and an error without events', () => {
    expect(writeAll([])).toContain('"finishReason":"STOP"')
    const failed = gemini.writeStream(answering()).fail(new RelayError('upstream_failed', 'x'))
    expect(failed).toMatch(/^data: \{"error":\{"code":502,/)
    expect(eventsOf(failed).events).toMatchObject([{ type: 'error', upstreamError: { status: 502, message: 'x' } }])
  })

  it('reads every written stream as the same events, wherever it is split', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const events = generated(seeded(seed))
      const stream = writeAll(events)
      const read = eventsOf(stream).events
      lawful(read)
      expect(meaning(read), `seed ${seed}`).toEqual(meaning(events))
      expect(pieces(stream, seeded(seed)), `seed ${seed}`).toEqual(read)
    }
  })
})

/** A stream as any language may give it. */
function generated(random: () => number): ChatEvent[] {
  const events: ChatEvent[] = [{ type: 'start', id: 'r', model: 'm' }]
  const blocks = Math.floor(random() * 6)
  let calls = false
  for (let index = 0; index < blocks; index++) {
    const kind = pick(random, ['text', 'reasoning', 'tool-call'] as const)
    calls ||= kind === 'tool-call'
    const block =
      kind === 'tool-call'
        ? ({ type: kind, id: `c${index}`, name: 'f', input: '' } as const)
        : ({ type: kind, text: '' } as const)
    events.push({ type: 'block', index, choice: 0, block })
    const deltas =
      kind === 'tool-call'
        ? ['{"a":', '"', 'é\\n', '"}']
        : Array.from({ length: Math.ceil(random() * 4) }, () => pick(random, ['a', 'né\n', '日本', '"\\', '😀']))
    for (const text of deltas) events.push({ type: 'delta', index, text })
    events.push({ type: 'stop', index })
  }
  events.push({ type: 'usage', usage: { input: 9, cachedInput: 3, cacheWriteInput: 0, output: 5, reasoning: 2 } })
  events.push({ type: 'finish', choice: 0, finish: { reason: calls ? 'tool-calls' : 'stop' } })
  return events
}

/** Texts side by side are one to those who read. */
function meaning(events: readonly ChatEvent[]): unknown {
  const { choices, usage, id, model } = folded(events)
  const told: string[][] = []
  for (const block of choices[0]?.blocks ?? []) {
    const said = 'input' in block ? block.input : 'text' in block ? block.text : ''
    const last = told.at(-1)
    if (last && last[0] === block.type && block.type !== 'tool-call') last[1] += said
    else told.push([block.type, said, 'id' in block ? block.id : ''])
  }
  return { told, usage, id, model, finish: choices[0]?.finish }
}

/** The events of a stream that comes in pieces. */
function pieces(stream: string, random: () => number): ChatEvent[] {
  const events: ChatEvent[] = []
  const reader = gemini.readStream({ id: 'abc' })
  const bytes = Buffer.from(stream)
  let held = Buffer.alloc(0)
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + Math.floor(random() * 20)
    held = Buffer.concat([held, bytes.subarray(at, next)])
    at = next
    const whole = wholeRecords(held)
    for (const record of readRecords(held.subarray(0, whole))) reader.read(record, (event) => events.push(event))
    held = held.subarray(whole)
  }
  return events
}

describe('streams that pass through', () => {
  const record = (value: unknown) => ({
    event: undefined,
    data: typeof value === 'string' ? value : JSON.stringify(value),
  })

  it('classifies records for the commit point', () => {
    expect(gemini.classifyRecord(record(fragment([{ text: '' }])))).toBe('prelude')
    expect(gemini.classifyRecord(record({ usageMetadata: {} }))).toBe('prelude')
    expect(gemini.classifyRecord(record(fragment([{ text: 'a' }])))).toBe('output')
    expect(gemini.classifyRecord(record(fragment([{ functionCall: { name: 'f' } }])))).toBe('output')
    expect(gemini.classifyRecord(record(fragment([], stop)))).toBe('output')
    expect(gemini.classifyRecord(record({ promptFeedback: { blockReason: 'SAFETY' } }))).toBe('output')
    expect(gemini.classifyRecord(record({ error: { code: 429, message: 'm' } }))).toMatchObject({ status: 429 })
    expect(gemini.classifyRecord(record('<html>'))).toMatchObject({ message: expect.stringContaining('not JSON') })
    expect(gemini.classifyRecord(record(fragment([], { finishReason: 'MALFORMED_FUNCTION_CALL' })))).toMatchObject({
      code: 'MALFORMED_FUNCTION_CALL',
    })
  })

  it('reads the ending', () => {
    const usageMetadata = { promptTokenCount: 2, candidatesTokenCount: 3 }
    const last = record(fragment([], stop, { usageMetadata }))
    expect(gemini.readEnding([record(fragment([{ text: 'a' }])), last])).toMatchObject({
      complete: true,
      usage: { input: 2, output: 3 },
    })
    expect(gemini.readEnding([record(fragment([{ text: 'a' }]))])).toMatchObject({
      complete: false,
      usage: undefined,
      upstreamError: undefined,
    })
    expect(gemini.readEnding([last, record({ error: { message: 'm' } })])).toMatchObject({
      complete: false,
      upstreamError: { message: 'm' },
    })
    expect(gemini.readEnding([])).toMatchObject({ complete: false })
  })
})
