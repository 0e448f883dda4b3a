import { describe, expect, it } from 'vitest'
import { estimateInput } from '../../src/policies/admission/estimate.js'
import { seeded } from '../random.js'

const next = seeded(3)
const file = (bytes: number): string =>
  Buffer.from(Array.from({ length: bytes }, () => Math.floor(next() * 256))).toString('base64')

describe('an estimate of a body’s tokens', () => {
  it('counts four bytes per token', () => {
    expect(estimateInput(Buffer.from('a b c d '.repeat(100)))).toBe(200)
    expect(estimateInput(Buffer.from('some words '.repeat(10_000)))).toBe(27_500)
  })

  it('counts Base64 of any length as a file', () => {
    const text = 'some words '.repeat(1000)
    for (const bytes of [30_000, 300_000, 3_000_000]) {
      const tokens = estimateInput(Buffer.from(`{"text":"${text}","data":"${file(bytes)}"}`))
      expect(tokens).toBeGreaterThan(1000)
      expect(tokens).toBeLessThan(8000 + bytes / 50)
    }
  })

  it('does not count a long word as a file', () => {
    expect(estimateInput(Buffer.from('a'.repeat(8_000_000)))).toBe(2_000_000)
    expect(estimateInput(Buffer.from('AbCd'.repeat(1_000_000)))).toBe(1_000_000)
  })

  it('counts the file of a form', () => {
    expect(estimateInput(Buffer.from(`--b\r\n${'x'.repeat(1_000_000)}`))).toBe(1000)
  })
})
