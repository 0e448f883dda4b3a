import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  type ByteChunks,
  chunksLength,
  digestChunks,
  indexOfBytes,
  joinChunks,
  readRange,
  sliceChunks,
} from '../../src/lib/byte-chunks.js'

const BYTES = Buffer.from('abracadabra, abracadab\r\n--b and abracadabra')

/** The same bytes in chunks of each size, and with one split at each offset. */
const cuts: ByteChunks[] = [BYTES]
for (let size = 1; size < BYTES.length; size++) {
  const equal: Buffer[] = []
  for (let at = 0; at < BYTES.length; at += size) equal.push(BYTES.subarray(at, at + size))
  cuts.push(equal, [BYTES.subarray(0, size), BYTES.subarray(size)])
}

describe('bytes in chunks', () => {
  it('are joined, measured and hashed like one buffer', () => {
    for (const chunks of cuts) {
      expect(joinChunks(chunks)).toEqual(BYTES)
      expect(chunksLength(chunks)).toBe(BYTES.length)
      expect(digestChunks(chunks)).toBe(createHash('sha256').update(BYTES).digest('hex'))
    }
    expect([joinChunks([]).length, chunksLength([]), indexOfBytes([], BYTES, 0)]).toEqual([0, 0, -1])
  })

  it('are searched and read across chunk borders', () => {
    const needles = ['b', 'abra', 'dab\r\n--b', 'abracadabra', 'abracadabra!', 'aa', BYTES.toString()]
    for (const chunks of cuts) {
      for (const needle of needles.map((text) => Buffer.from(text))) {
        for (let from = 0; from <= BYTES.length; from++)
          expect(indexOfBytes(chunks, needle, from)).toBe(BYTES.indexOf(needle, from))
      }
    }
  })

  it('are sliced anywhere without a copy', () => {
    for (const chunks of cuts) {
      for (let start = 0; start <= BYTES.length; start += 3) {
        for (let end = start; end <= BYTES.length + 3; end += 4) {
          const part = sliceChunks(chunks, start, end)
          expect(readRange(chunks, start, end)).toEqual(BYTES.subarray(start, end))
          expect(part.every(({ buffer, length }) => buffer === BYTES.buffer && length > 0)).toBe(true)
        }
      }
    }
  })
})
