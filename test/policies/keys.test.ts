import { describe, expect, it } from 'vitest'
import { ApiKeys, digestOf, generateKey, publicIdOf } from '../../src/policies/access/api-keys.js'

describe('KeyRing', () => {
  it('finds the owner of a generated key by its digest', () => {
    const { key, publicId, digest } = generateKey()
    expect(publicIdOf(key)).toBe(publicId)
    const ring = new ApiKeys([{ id: 'alice', publicId, digest }])
    expect(ring.find(key, {})).toMatchObject({ id: 'alice' })
    expect(ring.find(`${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`, {})).toBe('unknown')
  })

  it('finds a key of any other format', () => {
    const ring = new ApiKeys([{ id: 'bob', key: 'sk-anything-goes' }])
    expect(ring.find('sk-anything-goes', {})).toMatchObject({ id: 'bob' })
    expect(ring.find('sk-anything-else', {})).toBe('unknown')
    expect(ring.find('', {})).toBe('unknown')
  })

  it('accepts old and new key during a rotation, and only the new one after it', () => {
    const past = new Date(Date.now() - 1000).toISOString()
    const future = new Date(Date.now() + 60_000).toISOString()
    const ring = new ApiKeys([
      { id: 'carol', key: 'sk-new-secret' },
      { id: 'carol', key: 'sk-old-secret', expiresAt: future },
      { id: 'carol', key: 'sk-older-secret', expiresAt: past },
    ])
    expect(ring.find('sk-new-secret', {})).toMatchObject({ id: 'carol' })
    expect(ring.find('sk-old-secret', {})).toMatchObject({ id: 'carol' })
    expect(ring.find('sk-older-secret', {})).toBe('expired')
  })

  it('accepts a key only from its IP addresses', () => {
    const ring = new ApiKeys([{ id: 'dave', key: 'sk-from-home', allowedIps: ['10.0.0.0/8', '::1'] }])
    expect(ring.find('sk-from-home', { ip: '::ffff:10.9.9.9' })).toMatchObject({ id: 'dave' })
    expect(ring.find('sk-from-home', { ip: '192.0.2.1' })).toBe('address')
    expect(ring.find('sk-from-home', {})).toBe('address')
  })

  it('stores no secret', () => {
    const ring = new ApiKeys([{ id: 'eve', key: 'sk-must-not-be-kept' }])
    expect(digestOf('x')).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(JSON.stringify(ring, (_, value) => (value instanceof Map ? [...value] : value))).not.toContain('must-not')
  })
})
