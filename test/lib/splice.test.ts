import { describe, expect, it } from 'vitest'
import { latin1 } from '../../src/lib/json.js'
import { findString, splice } from '../../src/lib/splice.js'
import { pick, seeded } from '../random.js'

const found = (text: string): string | undefined => {
  const bytes = Buffer.from(text)
  const span = findString(latin1(bytes), 'model')
  return span && bytes.toString('utf8', span.start, span.end)
}

describe('findString', () => {
  it.each([
    ['{"model":"a"}', '"a"'],
    ['{ "model" :\n\t"a" }', '"a"'],
    ['{"x":"\\"model\\"","model":"a"}', '"a"'],
    ['{"model":"a\\"b\\\\","x":1}', '"a\\"b\\\\"'],
    ['{"x":{"model":"inner"},"model":"a"}', '"a"'],
    ['{"x":["model"],"model":"a","y":"model"}', '"a"'],
    ['{"x":"\\u0061","model":"\\u0062"}', '"\\u0062"'],
    ['{"é":"model","model":"ü"}', '"ü"'],
    ['{"model":"a","model":"b"}', undefined],
    ['{"model":"a","mod\\u0065l":"b"}', undefined],
    ['{"mod\\u0065l":"b"}', undefined],
    ['{"model":5,"x":"model"}', undefined],
    ['{"\\"model":"x","model":"a"}', '"a"'],
  ])('%s → %s', (text, expected) => expect(found(text)).toBe(expected))

  it('replaces the value and leaves every other byte as it was', () => {
    const bytes = Buffer.from('{ "seed": 9007199254740993, "model" : "a" , "x":1.0, "2":0, "1":-0 }')
    const span = findString(latin1(bytes), 'model')
    expect(span && splice(bytes, span, 'b"c').toString()).toBe(
      '{ "seed": 9007199254740993, "model" : "b\\"c" , "x":1.0, "2":0, "1":-0 }',
    )
  })

  it('agrees with JSON.parse on 3,000 random objects', () => {
    const random = seeded(7)
    const texts = [
      '"a"',
      '"\\"model\\""',
      '"model"',
      '"\\\\"',
      '"\\u006d"',
      '1',
      'null',
      '{"model":"in"}',
      '["model",{"model":1}]',
      '"é\\n"',
    ]
    for (let round = 0; round < 3000; round++) {
      const members: string[] = []
      let models = 0
      for (let count = Math.floor(random() * 5); count >= 0; count--) {
        const isModel = random() < 0.3
        if (isModel) models++
        const space = pick(random, ['', ' ', '\n\t'])
        members.push(
          `${space}${isModel ? '"model"' : pick(random, ['"x"', '"modelx"', '"\\"model"'])}${space}:${space}${pick(random, texts)}${space}`,
        )
      }
      const text = `{${members.join(',')}}`
      const { model } = JSON.parse(text) as { model?: unknown }
      if (typeof model !== 'string') continue
      const expected = models === 1 ? model : undefined
      const value = found(text)
      expect(value === undefined ? undefined : JSON.parse(value), text).toBe(expected)
    }
  })
})
