import { describe, expect, it } from 'vitest'
import { readRecords, type SseRecord, wholeRecords } from '../../src/lib/sse.js'

/** Reads a stream as the relay does: each record as soon as it is complete, and the rest at the end. */
function read(chunks: readonly Buffer[]): SseRecord[] {
  const records: SseRecord[] = []
  let rest: Buffer = Buffer.alloc(0)
  for (const chunk of chunks) {
    const bytes = Buffer.concat([rest, chunk])
    const whole = wholeRecords(bytes)
    records.push(...readRecords(bytes.subarray(0, whole)))
    rest = bytes.subarray(whole)
  }
  return [...records, ...readRecords(rest)]
}

const streams: Readonly<Record<string, string>> = {
  plain: 'data: a\n\ndata: b\n\ndata: [DONE]\n\n',
  carriage: 'event: x\r\ndata: a\r\n\r\ndata: b\r\n\r\n',
  'lone carriage returns': 'data: a\r\rdata: b\r\rdata: c\n\n',
  comments: ': ping\n\n: OPENROUTER PROCESSING\n\ndata: a\n\n',
  'joined lines': 'data: {"a":\ndata: 1}\n\ndata:b\n\ndata\n\n',
  unicode: 'data: {"c":"日本です 😀"}\n\ndata: é\n\n',
  'byte order mark': '\ufeffdata: a\n\ndata: b\n\n',
  unfinished: 'data: a\n\ndata: [DONE]',
}

describe('readRecords', () => {
  it.each(Object.entries(streams))('reads the same records wherever the bytes are split: %s', (_name, text) => {
    const bytes = Buffer.from(text)
    const whole = read([bytes])
    expect(whole.length).toBeGreaterThan(0)
    for (let cut = 1; cut < bytes.length; cut++)
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
    for (const size of [1, 2, 3, 7]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      expect(read(chunks)).toEqual(whole)
    }
  })

  it('follows the WHATWG specification', () => {
    const datas = (name: string): string[] => read([Buffer.from(streams[name] as string)]).map(({ data }) => data)
    expect(datas('joined lines')).toEqual(['{"a":\n1}', 'b', ''])
    expect(datas('byte order mark')).toEqual(['a', 'b'])
    expect(datas('unfinished')).toEqual(['a', '[DONE]'])
    expect(datas('lone carriage returns')).toEqual(['a', 'b', 'c'])
  })
})

describe('wholeRecords', () => {
  it.each([
    ['data: a\n\n', 9],
    ['data: a\n\ndata: b', 9],
    ['data: a\r\n\r\ndata: b\r\n', 11],
    ['data: a\r\rdata', 9],
    ['data: a\r\r', 9],
    ['data: a\n', 0],
    ['', 0],
  ])('%j → %i', (text, expected) => expect(wholeRecords(Buffer.from(text))).toBe(expected))
})
