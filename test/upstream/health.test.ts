import { describe, expect, it } from 'vitest'
import { Health } from '../../src/policies/failover/health.js'
import type { Channel } from '../../src/targets.js'

const channel = (credential = 'a#0', model = 'm', prefix = '/v1'): Channel =>
  ({
    credential: { name: credential, headers: [] },
    target: { model },
    baseUrl: { origin: 'http://x', pathPrefix: prefix, poolKey: 'http://x 1' },
  }) as unknown as Channel

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('Health', () => {
  it('starts a cooldown of one channel after enough failures in a row', () => {
    const health = new Health({ failures: 2, cooldownMs: 1000 })
    health.recordFailure(channel())
    health.recordSuccess(channel())
    health.recordFailure(channel())
    expect(health.cooldownMs(channel())).toBe(0)
    health.recordFailure(channel())
    expect(health.cooldownMs(channel())).toBeGreaterThan(900)
    expect(
      [channel('a#1'), channel('a#0', 'other'), channel('a#0', 'm', '/backup')].map((one) => health.cooldownMs(one)),
    ).toEqual([0, 0, 0])
  })

  it('lets one call probe after a cooldown, while the others wait for its result', async () => {
    const health = new Health({ failures: 1, cooldownMs: 30 })
    health.recordFailure(channel())
    await wait(40)
    expect(health.cooldownMs(channel())).toBe(0)
    expect(health.tryProbe(channel())).toBe(true)
    expect(health.cooldownMs(channel())).toBeGreaterThan(0)
    health.recordFailure(channel())
    expect(health.cooldownMs(channel())).toBeGreaterThan(0)
    await wait(40)
    expect(health.tryProbe(channel())).toBe(true)
    health.releaseProbe(channel())
    expect(health.cooldownMs(channel())).toBe(0)
    expect(health.tryProbe(channel())).toBe(true)
    health.recordSuccess(channel())
    expect([health.cooldownMs(channel()), health.tryProbe(channel())]).toEqual([0, false])
  })

  it('ends a cooldown by Retry-After for all calls at once', async () => {
    const health = new Health({ failures: 1, cooldownMs: 60_000 })
    health.recordRateLimit(channel(), 30)
    expect(health.cooldownMs(channel('a#0', 'm', '/backup'))).toBeGreaterThan(0)
    await wait(40)
    expect([health.cooldownMs(channel()), health.tryProbe(channel()), health.cooldownMs(channel())]).toEqual([
      0,
      false,
      0,
    ])
  })

  it('starts a cooldown of a refused credential for every model', () => {
    const health = new Health({ failures: 9, cooldownMs: 1000 })
    health.recordRefused(channel())
    expect(health.cooldownMs(channel('a#0', 'other'))).toBeGreaterThan(0)
    expect(health.cooldownMs(channel('a#1'))).toBe(0)
  })

  it('stays bounded for many model names', () => {
    const health = new Health({ failures: 9, cooldownMs: 1000 })
    for (let index = 0; index < 25_000; index++) {
      health.recordFailure(channel('a#0', `m${index}`))
      health.recordRateLimit(channel('a#0', `m${index}`), 1000)
    }
    expect(health.cooldownMs(channel('a#0', 'm24999'))).toBeGreaterThan(0)
  })
})
