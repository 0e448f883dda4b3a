import { describe, expect, it } from 'vitest'
import { type EventFrame, EventFrameReader } from '../../src/lib/event-frames.js'
import { eventFrame, frameOf } from '../event-frames.js'

/** Written by AWS's own encoder. */
const CHUNK = Buffer.from(
  'AAAAhQAAAEv9KniTCzpldmVudC10eXBlBwAFY2h1bmsNOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2UtdHlwZQcABWV2ZW50eyJieXRlcyI6ImV5SjBlWEJsSWpvaWNHbHVaeUo5IiwicCI6ImFiYyJ9cwM2oQ==',
  'base64',
)
/** The same, with a header of each kind, and no payload. */
const KINDS = Buffer.from(
  'AAAAZgAAAFbxWKlFAWEAAWIBAWMCBwFkA//+AWUEAAERcAFmBQAAAAAAAAAMAWcGAAMBAgMBaAcABXTDpHh0AWkIAAAAAAAAAAABagluzYtejV5MGpsfDw8PDw8PAWsHAADgn2KZ',
  'base64',
)

const readAll = (...chunks: readonly Buffer[]): EventFrame[] => {
  const frames = new EventFrameReader()
  return chunks.flatMap((chunk) => [...frames.read(chunk)])
}

describe('frames of an event stream', () => {
  it("are read as AWS's encoder writes them", () => {
    const [chunk, kinds, ...others] = readAll(Buffer.concat([CHUNK, KINDS]))
    expect(Object.fromEntries(chunk?.headers ?? [])).toEqual({
      ':event-type': 'chunk',
      ':content-type': 'application/json',
      ':message-type': 'event',
    })
    expect(JSON.parse(String(chunk?.payload))).toEqual({ bytes: 'eyJ0eXBlIjoicGluZyJ9', p: 'abc' })
    expect(Object.fromEntries(kinds?.headers ?? [])).toEqual({ h: 'täxt', k: '' })
    expect([kinds?.payload.length, others]).toEqual([0, []])
    const headers = { ':event-type': 'chunk', ':content-type': 'application/json', ':message-type': 'event' }
    expect(eventFrame(headers, String(chunk?.payload))).toEqual(CHUNK)
  })

  it('are the same wherever they are split', () => {
    const all = Buffer.concat([CHUNK, KINDS, CHUNK])
    const whole = readAll(all)
    expect(whole).toHaveLength(3)
    for (let cut = 0; cut <= all.length; cut++) {
      expect(readAll(all.subarray(0, cut), all.subarray(cut))).toEqual(whole)
    }
    expect(readAll(...Array.from(all, (byte) => Buffer.from([byte])))).toEqual(whole)
  })

  it('are returned up to a damaged byte', () => {
    for (let at = 0; at < CHUNK.length; at++) {
      const damaged = Buffer.from(CHUNK)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      const frames = new EventFrameReader().read(Buffer.concat([CHUNK, damaged]))
      expect(frames.next().done).toBe(false)
      expect(() => frames.next(), `byte ${at}`).toThrow(/frame/)
    }
  })

  it.each([
    ['shorter than its headers', frameOf(Buffer.from('abcdefgh'), '', 20)],
    ['longer than any', frameOf(Buffer.alloc(0), '', 0x7fffffff)],
    ['a name that goes on', frameOf(Buffer.from([200, 97, 7, 0, 0]), '{}')],
    ['a value that goes on', frameOf(Buffer.from([1, 97, 7, 0, 9, 98]), '{}')],
    ['a value of no kind', frameOf(Buffer.from([1, 97, 10, 0, 0]), '{}')],
    ['all zeros', Buffer.alloc(64)],
  ])('with a valid checksum can be invalid: %s', (_what, bytes) => {
    expect(() => readAll(bytes)).toThrow()
  })

  it('take time proportional to their bytes, not to their chunks', () => {
    const frame = eventFrame({ a: 'b' }, 'x'.repeat(1_000_000))
    const chunks = Array.from({ length: 20_000 }, (_, index) => frame.subarray(index * 51, (index + 1) * 51))
    const before = performance.now()
    expect(readAll(...chunks)).toHaveLength(1)
    expect(performance.now() - before).toBeLessThan(1000)
  })
})
