import type { CacheMark } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'

/** Reads `cache_control`. */
export function readCache(value: unknown): CacheMark | undefined {
  if (!isObject(value)) return undefined
  return { ttl: typeof value.ttl === 'string' ? value.ttl : undefined }
}

/** Maps the lifetimes of all providers to Anthropic's nearest. */
const TTLS = new Map([
  ['5m', '5m'],
  ['1h', '1h'],
  ['30m', '1h'],
  ['12h', '1h'],
])

/** Returns `{ cache_control }`, or an empty object. */
export function writeCache(cache: CacheMark | undefined): object {
  if (!cache) return {}
  const ttl = cache.ttl === undefined ? undefined : TTLS.get(cache.ttl)
  return { cache_control: ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl } }
}
