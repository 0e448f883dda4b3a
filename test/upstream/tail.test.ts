import { expect, it } from 'vitest'
import { StreamTail } from '../../src/upstream/stream/stream-tail.js'
import { pick, seeded } from '../random.js'

it('keeps the last bytes of chunks of any size', () => {
  const random = seeded(3)
  const tail = new StreamTail()
  let all = ''
  for (let round = 0; round < 2000; round++) {
    const piece = String.fromCharCode(97 + (round % 26)).repeat(pick(random, [1, 7, 250, 2047, 2049, 4095, 4096, 9000]))
    tail.push(Buffer.from(piece))
    all = (all + piece).slice(-20_000)
    const kept = tail.with(undefined).toString()
    expect(all.endsWith(kept)).toBe(true)
    expect(kept.length).toBeGreaterThanOrEqual(Math.min(all.length, 2048))
  }
  expect(tail.with(Buffer.from('end')).toString().endsWith('end')).toBe(true)
})

it('keeps a last record complete, however long it is', () => {
  const tail = new StreamTail()
  const long = `data: {"finishReason":"STOP","data":"${'A'.repeat(50_000)}"}\n\n`
  tail.push(Buffer.from(`data: {"before":1}\n\n${long}`))
  expect(tail.with(undefined).toString()).toBe(long)
  tail.push(Buffer.from(': ping\n\n'))
  expect(tail.with(Buffer.from('rest')).toString()).toBe(`${long}: ping\n\nrest`)
  tail.push(Buffer.from('x'.repeat(4090)))
  expect(tail.with(undefined).length).toBeLessThan(5000)
})
