import { hash, timingSafeEqual } from 'node:crypto'
import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'
import { ConfigError } from '../../config/config-error.js'
import type { RelayRequest } from '../../http.js'
import { addressMatcher } from '../../lib/addresses.js'
import { randomText } from '../../lib/ids.js'

type KeyConfig = Config['keys'][number]

/** A key in memory. Holds a digest in place of the secret. */
interface KeyRecord {
  /** In hex: a Buffer would take three times the memory, and a relay may have 100,000 keys. */
  readonly digest: string
  readonly caller: Caller
  /** Epoch ms. */
  readonly expiresAt: number
  readonly isAllowed: ((address: string | undefined) => boolean) | undefined
}

/** Why a key is refused: unknown, expired, or used from an address that is not allowed. */
export type KeyProblem = 'unknown' | 'expired' | 'address'

/** `sk-mm-<12 public>-<40 secret>`: the public part identifies the key and may appear in logs. */
const KEY = /^sk-mm-([0-9A-Za-z]{12})-[0-9A-Za-z]{40}$/

/** Creates a key. Show it once, and store its digest only. */
export function generateKey(): { key: string; publicId: string; digest: string } {
  const publicId = randomText(12)
  const key = `sk-mm-${publicId}-${randomText(40)}`
  return { key, publicId, digest: digestOf(key) }
}

/** `sha256:<64 hex digits>`: a config file may hold this in place of the key. */
export function digestOf(key: string): string {
  return `sha256:${hash('sha256', key)}`
}

/** The public part of a key made by {@link generateKey}; undefined for other keys. */
export function publicIdOf(key: string): string | undefined {
  return KEY.exec(key)?.[1]
}

/** Buffers for the digests that are being compared, in hex. Reused, so that a comparison makes no garbage. */
const presented = Buffer.alloc(64)
const stored = Buffer.alloc(64)

/** The keys of a config. A look-up takes the same time for ten keys and for 100,000. */
export class ApiKeys {
  readonly #records = new Map<string, KeyRecord>()

  /** @throws {ConfigError} for two keys with the same secret */
  constructor(keys: readonly KeyConfig[]) {
    const share = createSharer()
    for (const [index, key] of keys.entries()) {
      const digest = (key.digest ?? digestOf(key.key ?? '')).slice('sha256:'.length)
      const publicId = key.key === undefined ? key.publicId : publicIdOf(key.key)
      const name = publicId ?? nameOf(digest)
      if (this.#records.has(name))
        throw new ConfigError([{ path: `keys[${index}]`, message: 'has the secret of another key' }])
      this.#records.set(name, {
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

  /** The caller that owns the key, or why the key is refused. Reads the client's address only if the key is bound to addresses. */
  find(key: string, client: Pick<RelayRequest, 'ip'>): Caller | KeyProblem {
    const digest = hash('sha256', key)
    const record = this.#records.get(publicIdOf(key) ?? '') ?? this.#records.get(nameOf(digest))
    if (!record || !isSame(record.digest, digest)) return 'unknown'
    if (record.expiresAt <= Date.now()) return 'expired'
    return record.isAllowed && !record.isAllowed(client.ip) ? 'address' : record.caller
  }
}

/** Takes the same time wherever two digests differ. */
function isSame(one: string, other: string): boolean {
  stored.write(one, 'latin1')
  presented.write(other, 'latin1')
  return timingSafeEqual(stored, presented)
}

/** The name of a key without a public part: a part of its digest, so nobody can choose a key with another's name. */
function nameOf(digest: string): string {
  return digest.slice(0, 32)
}

/** Makes equal values share one object: many keys have the same limits. */
function createSharer(): <Value>(value: Value) => Value {
  const known = new Map<string, unknown>()
  return <Value>(value: Value): Value => {
    if (value === undefined) return value
    const text = JSON.stringify(value)
    if (!known.has(text)) known.set(text, value)
    return known.get(text) as Value
  }
}
