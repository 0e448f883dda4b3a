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

it('keeps a long record before short ones that arrive together with it', () => {
  const done = 'data: [DONE]\n\n'
  for (const length of [2100, 4000, 4060, 4096, 5000, 6000, 50_000]) {
    const long = `data: {"finish_reason":"stop","usage":{"prompt_tokens":5},"content":"${'A'.repeat(length)}"}\n\n`
    for (const blankLine of ['\n\n', '\r\n\r\n']) {
      const tail = new StreamTail()
      const records = `${'data: {"before":1}\n\n'.repeat(200)}${long}${done}`.replaceAll('\n\n', blankLine)
      tail.push(Buffer.from(records))
      expect(tail.with(undefined).toString()).toContain(`${long}${done}`.replaceAll('\n\n', blankLine))
    }
  }
})

it('keeps the first record of a chunk that leaves no room for what was before it', () => {
  const usage = `data: {"usage":{"prompt_tokens":5},"content":"${'A'.repeat(4031)}"}\n\n`
  const records = `${usage}data: [DONE]\n\n`
  const tail = new StreamTail()
  tail.push(Buffer.from('data: {"before":1}\n\n'.repeat(9)))
  tail.push(Buffer.from(records))
  expect(records).toHaveLength(4095)
  expect(tail.with(undefined).toString()).toContain(records)
})

it('keeps the first record of a chunk of just the size that it keeps', () => {
  const first = `data: {"first":"${'A'.repeat(3000)}"}\n\n`
  const records = `${first}data: {"second":"${'B'.repeat(4096 - first.length - 21)}"}\n\n`
  expect(records).toHaveLength(4096)
  const tail = new StreamTail()
  tail.push(Buffer.from(records))
  expect(tail.with(undefined).toString()).toBe(records)
})
