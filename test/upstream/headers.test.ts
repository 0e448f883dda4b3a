import { describe, expect, it } from 'vitest'
import { readHead, readRetryAfter } from '../../src/upstream/connection/headers.js'

const DATE = 'Sat, 21 Nov 2026 08:00:00 GMT'

describe('readRetryAfter', () => {
  it.each([
    ['seconds', '7', undefined, 7000],
    ['a fraction', '3.5', undefined, 3500],
    ['a date, by the Date header of the response', 'Sat, 21 Nov 2026 08:00:09 GMT', undefined, 9000],
    ['a date in the past', 'Sat, 21 Nov 2026 07:00:00 GMT', undefined, 0],
    ['milliseconds before seconds', '7', '250', 250],
    ['more than a timer can count', '9999999999', undefined, 3_600_000],
    ['a negative number', '-1', undefined, undefined],
    ['an exponent', '1e3', undefined, undefined],
    ['nonsense', 'soon', undefined, undefined],
    ['nothing', undefined, undefined, undefined],
  ])('%s', (_name, wait, waitMs, expected) => expect(readRetryAfter(wait, waitMs, DATE)).toBe(expected))
})

describe('readHead', () => {
  it('reads the known headers in any case, and the first of two Retry-After headers', () => {
    const raw = [
      'Content-Type',
      'text/event-stream',
      'CONTENT-ENCODING',
      'GZip',
      'x-request-id',
      'r',
      'Retry-After',
      '1',
      'retry-after',
      '9',
    ]
    expect(readHead(raw.map((text) => Buffer.from(text)))).toEqual({
      contentType: 'text/event-stream',
      contentEncoding: 'gzip',
      retryAfterMs: 1000,
    })
  })
})
