import { describe, expect, it } from 'vitest'
import { BodyBuffer } from '../../adapters/body-buffer.js'
import { joinChunks } from '../../src/lib/byte-chunks.js'

const BYTES = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * 7919) % 251))

function gather(announced: number, size: number) {
  const body = new BodyBuffer(announced)
  for (let at = 0; at < BYTES.length; at += size) body.add(Buffer.from(BYTES.subarray(at, at + size)))
  expect(body.size).toBe(BYTES.length)
  return body.take()
}

describe.each([1, 100, 1460, 16_000, 65_536, 300_000, 2_000_000])('a body in chunks of %i bytes', (size) => {
  it.each([
    ['there is no content-length', 0],
    ['content-length is right', BYTES.length],
    ['content-length is too large', BYTES.length + 9],
    ['content-length is much too large', 500_000],
  ])('is complete where %s', (_what, announced) => {
    expect(joinChunks(gather(announced, size)).equals(BYTES)).toBe(true)
  })

  it('is one buffer with a content-length, and a few buffers where chunks are wanted', () => {
    expect(Buffer.isBuffer(gather(BYTES.length, size))).toBe(true)
    expect([gather(0, size)].flat().length).toBeLessThanOrEqual(64)
  })
})

it('an empty body is an empty buffer', () => {
  expect(joinChunks(new BodyBuffer(0).take())).toHaveLength(0)
})
