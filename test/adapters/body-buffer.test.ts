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

describe.each([1, 100, 1460, 16_000, 65_536, 300_000, 2_000_000])('a body that comes in pieces of %i bytes', (size) => {
  it.each([
    ['nobody announced', 0],
    ['its length is announced', BYTES.length],
    ['more is announced', BYTES.length + 9],
    ['less is announced', 500_000],
  ])('is whole where %s', (_what, announced) => {
    expect(joinChunks(gather(announced, size)).equals(BYTES)).toBe(true)
  })

  it('is in one piece where its length is announced, and in no more than few where it is wanted in pieces', () => {
    expect(Buffer.isBuffer(gather(BYTES.length, size))).toBe(true)
    expect([gather(0, size)].flat().length).toBeLessThanOrEqual(64)
  })
})

it('a body of nothing is nothing', () => {
  expect(joinChunks(new BodyBuffer(0).take())).toHaveLength(0)
})
