import { describe, expect, it } from 'vitest'
import { effortOf, nearestEffort } from '../../src/chat/effort.js'
import { mimeOf, readDataUrl, sourceOfUrl } from '../../src/chat/media.js'
import { MARK, mayReceive, readSignature, unwrapSignature, wrapSignature } from '../../src/chat/signatures.js'

describe('wrapped signatures', () => {
  const issued = { protocol: 'p-1', value: 'Ab+/=:%\u00e9', id: 'rs_1' }

  it('are unwrapped unchanged, with their issuer', () => {
    const carried = wrapSignature(issued, 'tag:1')
    expect(carried.startsWith(MARK)).toBe(true)
    expect(carried).toMatch(/^[A-Za-z0-9+/]+=*$/)
    expect(Buffer.from(carried, 'base64').toString()).toMatch(/^modelmount1:/)
    expect(unwrapSignature(carried)).toEqual({ ...issued, issuer: 'tag:1' })
  })

  it('are sent only to their issuer, or unchanged within their protocol', () => {
    const carried = readSignature(wrapSignature(issued, 'one'), 'p-1')
    expect(mayReceive(carried, 'p-1', 'one')).toBe(true)
    expect(mayReceive(carried, 'p-1', 'two')).toBe(false)
    expect(mayReceive(carried, 'p-2', 'one')).toBe(false)
    const raw = readSignature('EqRk', 'p-1')
    expect(mayReceive(raw, 'p-1', 'whoever')).toBe(true)
    expect(mayReceive(raw, 'p-2', 'whoever')).toBe(false)
    expect(mayReceive({ protocol: 'p-1', value: '' }, 'p-1', 'one')).toBe(false)
  })

  it('are not read from other text', () => {
    for (const text of ['', 'x', MARK, `${MARK}!!!`, `${MARK}${Buffer.from('a:b').toString('base64')}`]) {
      expect(unwrapSignature(text)?.value ?? '').toBe('')
    }
  })
})

describe('media', () => {
  it.each([
    ['data:image/png;base64,AAAA', 'image/png', 'AAAA'],
    ['DATA:image/PNG;charset=x;BASE64,AA AA', 'image/png', 'AAAA'],
    ['data:;base64,AAAA', undefined, 'AAAA'],
    ['data:text/plain,a%20b', 'text/plain', Buffer.from('a b').toString('base64')],
    ['data:text/plain,100%', 'text/plain', Buffer.from('100%').toString('base64')],
  ])('reads %s', (url, mime, data) => {
    expect(readDataUrl(url)).toEqual({ mime, data })
  })

  it('keeps any other URL as a URL', () => {
    expect(sourceOfUrl('https://x.example/a.png').source).toEqual({ type: 'url', url: 'https://x.example/a.png' })
    expect(readDataUrl('data:no-comma')).toBeUndefined()
  })

  it('HC-013: prefers the type of the bytes to the label', () => {
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70]).toString('base64')
    expect(mimeOf({ mime: 'image/png', source: { type: 'bytes', data: jpeg } })).toBe('image/jpeg')
    expect(mimeOf({ mime: 'image/jpg', source: { type: 'bytes', data: 'AAAA' } })).toBe('image/jpeg')
    expect(mimeOf({ source: { type: 'url', url: 'https://x.example/a.webp?b=1' } })).toBe('image/webp')
    expect(mimeOf({ source: { type: 'url', url: 'https://x.example/' } })).toBeUndefined()
  })
})

describe('reasoning effort', () => {
  it.each([
    ['minimal', ['low', 'medium', 'high'], 'low'],
    ['xhigh', ['low', 'medium', 'high'], 'high'],
    ['xhigh', ['low', 'medium', 'high', 'xhigh', 'max'], 'xhigh'],
    ['max', ['low', 'medium', 'high'], 'high'],
    ['none', ['none', 'low'], 'none'],
    ['none', ['minimal', 'low'], 'minimal'],
    ['low', ['none', 'minimal', 'low'], 'low'],
  ] as const)('HC-052: maps %s among %j to %s', (wanted, taken, expected) => {
    expect(nearestEffort(wanted, taken)).toBe(expected)
  })

  it('never exceeds a budget that was given in tokens', () => {
    expect(effortOf(0)).toBe('none')
    expect(effortOf(1024)).toBe('minimal')
    expect(effortOf(8191)).toBe('low')
    expect(effortOf(1_000_000)).toBe('max')
  })
})
