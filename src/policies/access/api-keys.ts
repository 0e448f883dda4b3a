import { hash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { ConfigError } from '../../config/config-error.js'
import { addressMatcher } from '../../lib/addresses.js'
import { randomText } from '../../lib/ids.js'

type KeyConfig = Config['keys'][number]

/** A key as it is kept: of the secret only a digest. */
interface KeyRecord {
  /** In hex. (Bytes of its own would weigh three times as much, and a relay may have a hundred thousand keys.) */
  readonly digest: string
  readonly caller: Caller
  /** Epoch ms. */
  readonly expiresAt: number
  readonly isAllowed: ((address: string | undefined) => boolean) | undefined
}

/** Why a key was not taken. */
export type KeyFault = 'unknown' | 'expired' | 'address'

/** `sk-mm-<12 public>-<40 secret>`: the public part finds the record, and may be written to logs. */
const KEY = /^sk-mm-([0-9A-Za-z]{12})-[0-9A-Za-z]{40}$/

/** A new key. It is shown once; what is kept is its digest. */
export function makeKey(): { key: string; publicId: string; digest: string } {
  const publicId = randomText(12)
  const key = `sk-mm-${publicId}-${randomText(40)}`
  return { key, publicId, digest: digestOf(key) }
}

/** `sha256:<64 hex digits>`, the form in which a key may be kept in a config file. */
export function digestOf(key: string): string {
  return `sha256:${hash('sha256', key)}`
}

/** The public part of a key made by {@link makeKey}: safe to write down. */
export function publicIdOf(key: string): string | undefined {
  return KEY.exec(key)?.[1]
}

/** Two digests that are being compared, in hex: written anew for each, since bytes of their own would be garbage for each. */
const presented = Buffer.alloc(64)
const stored = Buffer.alloc(64)

/** The keys of a config. Finding one costs the same for ten and for a hundred thousand. */
export class ApiKeys {
  readonly #records = new Map<string, KeyRecord>()

  /** @throws {ConfigError} for a secret that stands twice */
  constructor(keys: readonly KeyConfig[]) {
    const share = sharer()
    for (const [index, key] of keys.entries()) {
      const digest = (key.digest ?? digestOf(key.key ?? '')).slice('sha256:'.length)
      const publicId = key.key === undefined ? key.publicId : publicIdOf(key.key)
      const place = publicId ?? placeOf(digest)
      if (this.#records.has(place))
        throw new ConfigError([{ path: `keys[${index}]`, message: 'has the secret of another key' }])
      this.#records.set(place, {
        digest,
        caller: {
          id: key.id,
          group: key.group,
          models: share(key.models),
          limits: share(key.limits),
          budget: share(key.budget),
        },
        expiresAt: key.expiresAt ? Date.parse(key.expiresAt) : Number.POSITIVE_INFINITY,
        isAllowed: key.allowedIps && addressMatcher(key.allowedIps),
      })
    }
  }

  /** The key's owner, or why there is none. */
  find(key: string, address: string | undefined): Caller | KeyFault {
    const digest = hash('sha256', key)
    const record = this.#records.get(publicIdOf(key) ?? '') ?? this.#records.get(placeOf(digest))
    if (!record || !isSame(record.digest, digest)) return 'unknown'
    if (record.expiresAt <= Date.now()) return 'expired'
    return record.isAllowed && !record.isAllowed(address) ? 'address' : record.caller
  }
}

/** In a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  stored.write(one, 'latin1')
  presented.write(other, 'latin1')
  return timingSafeEqual(stored, presented)
}

/** Where a key of someone's own making is kept: under a part of its digest, which nobody can steer towards another's. */
function placeOf(digest: string): string {
  return digest.slice(0, 32)
}

/** Makes one of what is alike: most keys have the limits of many others. */
function sharer(): <Value>(value: Value) => Value {
  const known = new Map<string, unknown>()
  return <Value>(value: Value): Value => {
    if (value === undefined) return value
    const text = JSON.stringify(value)
    if (!known.has(text)) known.set(text, value)
    return known.get(text) as Value
  }
}
