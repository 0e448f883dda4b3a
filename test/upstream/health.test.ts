import { describe, expect, it } from 'vitest'
import type { Channel } from '../../src/call.js'
import { Health } from '../../src/upstream/health.js'

const channel = (credential = 'a#0', model = 'm', prefix = '/v1'): Channel =>
  ({
    credential: { name: credential, headers: [] },
    target: { model },
    place: { origin: 'http://x', prefix, pool: 'http://x 1' },
  }) as unknown as Channel

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('Health', () => {
  it('lays a channel to rest after enough failures in a row, and no other', () => {
    const health = new Health({ failures: 2, restMs: 1000 })
    health.failed(channel())
    health.succeeded(channel())
    health.failed(channel())
    expect(health.restMs(channel())).toBe(0)
    health.failed(channel())
    expect(health.restMs(channel())).toBeGreaterThan(900)
    expect(
      [channel('a#1'), channel('a#0', 'other'), channel('a#0', 'm', '/backup')].map((one) => health.restMs(one)),
    ).toEqual([0, 0, 0])
  })

  it('lets one call probe after a rest; the others wait for how it fares', async () => {
    const health = new Health({ failures: 1, restMs: 30 })
    health.failed(channel())
    await wait(40)
    expect(health.restMs(channel())).toBe(0)
    expect(health.enter(channel())).toBe(true)
    expect(health.restMs(channel())).toBeGreaterThan(0)
    health.failed(channel())
    expect(health.restMs(channel())).toBeGreaterThan(0)
    await wait(40)
    expect(health.enter(channel())).toBe(true)
    health.undecided(channel())
    expect(health.restMs(channel())).toBe(0)
    expect(health.enter(channel())).toBe(true)
    health.succeeded(channel())
    expect([health.restMs(channel()), health.enter(channel())]).toEqual([0, false])
  })

  it('lets a pause that was asked for pass, for everyone at once', async () => {
    const health = new Health({ failures: 1, restMs: 60_000 })
    health.paused(channel(), 30)
    expect(health.restMs(channel('a#0', 'm', '/backup'))).toBeGreaterThan(0)
    await wait(40)
    expect([health.restMs(channel()), health.enter(channel()), health.restMs(channel())]).toEqual([0, false, 0])
  })

  it('rests a refused credential for every model', () => {
    const health = new Health({ failures: 9, restMs: 1000 })
    health.refused(channel())
    expect(health.restMs(channel('a#0', 'other'))).toBeGreaterThan(0)
    expect(health.restMs(channel('a#1'))).toBe(0)
  })

  it('stays bounded when callers invent names', () => {
    const health = new Health({ failures: 9, restMs: 1000 })
    for (let index = 0; index < 25_000; index++) {
      health.failed(channel('a#0', `m${index}`))
      health.paused(channel('a#0', `m${index}`), 1000)
    }
    expect(health.restMs(channel('a#0', 'm24999'))).toBeGreaterThan(0)
  })
})
