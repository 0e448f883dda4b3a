import { describe, expect, it } from 'vitest'
import { addressMatcher, isAddressRange } from '../../src/lib/addresses.js'
import { ClientConnection } from '../../src/lib/client-connection.js'
import { formatPath } from '../../src/lib/format-path.js'
import { randomText, readRequestId } from '../../src/lib/ids.js'
import { decoded, isTooDeep, latin1 } from '../../src/lib/json.js'
import { bySpecificity, fillWildcards, nameMatcher, pattern } from '../../src/lib/patterns.js'
import { type Deadline, DeadlineTimer, now, sleep } from '../../src/lib/time.js'

describe('patterns', () => {
  it.each([
    ['gpt-*', 'gpt-5', ['5']],
    ['gpt-*', 'gpt-', ['']],
    ['gpt-*', 'xgpt-5', undefined],
    ['*/*', 'openai/gpt/5', ['openai/gpt', '5']],
    ['a.b', 'axb', undefined],
    ['a+(b)[c]', 'a+(b)[c]', []],
    ['*', 'line\nbreak', ['line\nbreak']],
  ])('%s on %s', (text, name, stars) => expect(pattern(text).match(name)).toEqual(stars))

  it('puts more specific patterns first and fills stars in turn', () => {
    expect(['*', 'gpt-5*', 'gpt-*'].sort(bySpecificity)).toEqual(['gpt-5*', 'gpt-*', '*'])
    expect(fillWildcards('a-*-b-*', ['1', '2'])).toBe('a-1-b-2')
    expect(['fast', 'gpt-5', 'slow'].map(nameMatcher(['fast', 'gpt-*']))).toEqual([true, true, false])
  })
})

describe('IP addresses', () => {
  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['10.0.0.0/8', '0:0:0:0:0:FFFF:a01:203', true],
    ['10.0.0.0/8', '::ffff:b01:203', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['2001:db8::/32', '2001:db8::1', true],
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', undefined, false],
    ['127.0.0.1', 'nonsense', false],
  ])('%s contains %s: %s', (range, address, holds) => expect(addressMatcher([range])(address)).toBe(holds))

  it('distinguishes ranges from invalid text', () => {
    expect(
      ['10.0.0.0/8', '::1', '10.0.0.0/33', '10.0.0', '1.2.3.4/', '1.2.3.4/x', '10.0.0.0/8/9'].map(isAddressRange),
    ).toEqual([true, true, false, false, false, false, false])
  })
})

describe('json', () => {
  it('parses Latin-1 bytes for structure, and decodes the requested strings as UTF-8', () => {
    const value = JSON.parse(latin1(Buffer.from('{"model":"modèle-日本"}'))) as { model: string }
    expect(decoded(value.model)).toBe('modèle-日本')
    expect(decoded('plain')).toBe('plain')
  })

  it('detects text that is nested too deeply', () => {
    const nested = (levels: number): boolean => {
      const text = '['.repeat(levels) + ']'.repeat(levels)
      return isTooDeep(JSON.parse(text), text.length)
    }
    expect([1, 500, 512, 514, 100_000].map(nested)).toEqual([false, false, false, true, true])
  })

  it('writes paths', () => expect(formatPath(['messages', 2, 'content'])).toBe('messages[2].content'))
})

describe('ids', () => {
  it('accepts only a valid request id', () => {
    expect(['ok-1.2_3', 'a b', 'x\ny', '', 'a'.repeat(129)].map(readRequestId)).toEqual([
      'ok-1.2_3',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('draws letters and digits with equal probability', () => {
    const text = randomText(62_000)
    expect(text).toMatch(/^[0-9A-Za-z]{62000}$/)
    const counts = [...new Set(text)].map((letter) => text.split(letter).length - 1)
    expect(Math.min(...counts)).toBeGreaterThan(800)
    expect(Math.max(...counts)).toBeLessThan(1200)
  })
})

class Bell implements Deadline {
  timerIndex = -1
  rungAt = 0
  dueAt: number

  constructor(ms: number) {
    this.dueAt = now() + ms
  }

  onDeadline(): void {
    this.rungAt = now()
  }
}

describe('time', () => {
  it('calls each due deadline once, and none that was removed or moved', async () => {
    const deadlineTimer = new DeadlineTimer()
    const [due, removed, moved] = [new Bell(60), new Bell(60), new Bell(60)]
    for (const bell of [due, removed, moved]) deadlineTimer.add(bell)
    deadlineTimer.remove(removed)
    deadlineTimer.remove(removed)
    moved.dueAt = Number.POSITIVE_INFINITY
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(due.rungAt).toBeGreaterThan(0)
    expect(due.rungAt - due.dueAt).toBeLessThan(150)
    expect([removed.rungAt, moved.rungAt]).toEqual([0, 0])
  })

  it('keeps its heap consistent while many deadlines are added and removed', () => {
    const deadlineTimer = new DeadlineTimer()
    const bells = Array.from({ length: 100 }, () => new Bell(1e6))
    for (const bell of bells) deadlineTimer.add(bell)
    for (const bell of bells.filter((_, index) => index % 3 === 0)) deadlineTimer.remove(bell)
    const left = bells.filter((_, index) => index % 3 !== 0)
    expect(new Set(left.map(({ timerIndex }) => timerIndex)).size).toBe(left.length)
    for (const bell of left) deadlineTimer.remove(bell)
  })

  it('stops sleeping when the client disconnects', async () => {
    const departure = new ClientConnection()
    const start = now()
    setTimeout(() => departure.close(), 20)
    await sleep(10_000, departure)
    await sleep(10_000, departure)
    expect(now() - start).toBeLessThan(1000)
  })
})
