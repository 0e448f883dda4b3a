import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { closeFrame, FrameReader, type Message, maskedFrame, textFrame } from '../../adapters/websocket/frames.js'

const SIZES = [0, 1, 3, 4, 125, 126, 127, 65_535, 65_536, 70_001]

function read(chunks: readonly Buffer[], maxLength = 2 ** 20): Message[] {
  const reader = new FrameReader(maxLength)
  const units: Message[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let message = reader.next(); message; message = reader.next())
      units.push({ ...message, payload: Buffer.from(message.payload) })
  }
  expect(reader.pendingBytes).toBe(0)
  return units
}

function inPieces(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

it.each([1, 2, 7, 125, 1000, 65_536, 1_000_000])('reads frames split into %i bytes at a time', (size) => {
  const payloads = SIZES.map((length) => randomBytes(length))
  const bytes = Buffer.concat(payloads.map(maskedFrame))
  const units = read(inPieces(bytes, size))
  expect(units.map(({ payload }) => payload)).toEqual(payloads)
  expect(Buffer.concat(units.flatMap(({ frames }) => frames))).toEqual(bytes)
})

it('joins the frames of a message, and returns control frames within it first', () => {
  const [first, last] = [textFrame('hel'), textFrame('lo')]
  first[0] = 0x01
  last[0] = 0x80
  const bytes = Buffer.concat([first, closeFrame(1000, 'bye'), last])
  for (let cut = 1; cut < bytes.length; cut++) {
    const units = read([bytes.subarray(0, cut), bytes.subarray(cut)])
    expect(units.map(({ opcode, payload }) => [opcode, payload.toString('latin1')])).toEqual([
      [8, '\x03\xe8bye'],
      [1, 'hello'],
    ])
    expect(units[1]?.frames).toEqual([first, last])
  }
})

it.each([
  ['an extension', [0xc1, 0], 1002],
  ['a continuation of nothing', [0x80, 0], 1002],
  ['a message within another', [0x01, 0, 0x81, 0], 1002],
  ['a message that is too long', [0x81, 127, 0, 0, 0, 0, 0, 0x20, 0, 0], 1009],
  ['a length beyond all measure', [0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1009],
])('%s is an error with its close code', (_name, bytes, code) => {
  expect(() => read([Buffer.from(bytes)])).toThrow(expect.objectContaining({ code }))
})

it('limits the number of empty frames', () => {
  const empty = Buffer.from([0x00, 0])
  const begin = Buffer.from([0x01, 0])
  expect(() => read([begin, ...Array<Buffer>(1000).fill(empty)], 1000)).toThrow(expect.objectContaining({ code: 1009 }))
})

it('counts a fixed overhead per frame toward the size limit', () => {
  const crumbs = Buffer.concat([Buffer.from([0x01, 1, 65]), ...Array<Buffer>(100_000).fill(Buffer.from([0x00, 1, 65]))])
  expect(() => read([crumbs])).toThrow(expect.objectContaining({ code: 1009 }))
})

it('takes the same time per byte, however a long message is split', () => {
  const bytes = maskedFrame(Buffer.alloc(16 * 2 ** 20))
  const timeOf = (size: number): number => {
    const start = performance.now()
    read(inPieces(bytes, size), 2 ** 25)
    return performance.now() - start
  }
  timeOf(65_536)
  expect(timeOf(1024)).toBeLessThan(20 * timeOf(65_536) + 200)
})
