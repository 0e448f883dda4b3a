import { describe, expect, it } from 'vitest'
import { objectOf, readMembers } from '../../src/lib/members.js'

const without = (text: string, ...names: string[]): string => {
  const bytes = Buffer.from(text)
  const kept = readMembers(bytes).filter(({ name }) => !names.includes(name))
  return objectOf(bytes, kept, { v: 1 }).toString()
}

describe('the members of an object', () => {
  it.each([
    ['{}', '{"v":1}'],
    ['{ "a" : 1 }', '{"v":1, "a" : 1 }'],
    ['{"x":"1"}', '{"v":1}'],
    ['{"x":1,"a":2}', '{"v":1,"a":2}'],
    ['{"a":1,"x":2}', '{"v":1,"a":1}'],
    ['{"a":1,"x":2,"b":3}', '{"v":1,"a":1,"b":3}'],
    ['{"x":1,"y":2,"a":3}', '{"v":1,"a":3}'],
    ['{"a":3,"x":1,"y":2}', '{"v":1,"a":3}'],
    ['{"x":[1,{"x":2}],"a":{"x":3,"y":[4,"},]"]}}', '{"v":1,"a":{"x":3,"y":[4,"},]"]}}'],
    ['{"x":1,"a":2,"x":3}', '{"v":1,"a":2}'],
    ['{"\\u0078":1,"a":"\\"x\\":1,","x":null}', '{"v":1,"a":"\\"x\\":1,"}'],
    ['{"a":1e400,"b":12345678901234567890,"a":2,"1":0}', '{"v":1,"a":1e400,"b":12345678901234567890,"a":2,"1":0}'],
    [' \n{\n\t"ä": "ü😀",\r\n "x" : true\n}\n', '{"v":1,\n\t"ä": "ü😀"}'],
    ['{"a":"\\\\","x":"\\\\\\"","b":[]}', '{"v":1,"a":"\\\\","b":[]}'],
  ])('%s', (text, expected) => {
    const told = without(text, 'x', 'y')
    expect(told).toBe(expected)
    expect(() => JSON.parse(told)).not.toThrow()
  })

  it('are found in linear time', () => {
    const body = `{"model":"m","messages":[{"content":"${'A'.repeat(8_000_000)}"}],"stream":true}`
    const before = performance.now()
    expect(without(body, 'model', 'stream').length).toBe(
      body.length - '"model":"m",'.length - ',"stream":true'.length + 6,
    )
    expect(performance.now() - before).toBeLessThan(1000)
  })
})
