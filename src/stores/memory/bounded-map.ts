import { LRUCache } from 'lru-cache'

/** How much a store in memory may hold, and for how long. */
export interface MemoryBounds {
  readonly maxBytes: number
  /** How long an entry is kept, in ms. */
  readonly ttlMs: number
}

/** Estimated bytes of an entry besides its key and value. */
const ENTRY_OVERHEAD_BYTES = 256

/** A map of bounded size. When it is full, it drops the least recently used entries. */
export class BoundedMap<Value extends object> {
  readonly #entries: LRUCache<string, Value>

  /** @param sizeOf about how many bytes a value takes */
  constructor({ maxBytes, ttlMs }: MemoryBounds, sizeOf: (value: Value) => number) {
    const sizeCalculation = (value: Value, key: string): number => sizeOf(value) + 2 * key.length + ENTRY_OVERHEAD_BYTES
    this.#entries = new LRUCache({ maxSize: maxBytes, sizeCalculation, ttl: ttlMs })
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: Value): void {
    this.#entries.set(key, value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}

/** A {@link BoundedMap} with keys per tenant: a tenant cannot reach the entries of another. */
export class TenantMap<Value extends object> {
  readonly #entries: BoundedMap<Value>

  /** @param lengthOf about how many characters a value holds */
  constructor(bounds: MemoryBounds, lengthOf: (value: Value) => number) {
    this.#entries = new BoundedMap(bounds, (value) => 2 * lengthOf(value))
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  get(tenant: string, id: string): Value | undefined {
    return this.#entries.get(keyOf(tenant, id))
  }

  set(tenant: string, id: string, value: Value): void {
    this.#entries.set(keyOf(tenant, id), value)
  }

  delete(tenant: string, id: string): void {
    this.#entries.delete(keyOf(tenant, id))
  }
}

/** Starts with the tenant's length, so that no two pairs of tenant and id have the same key. */
function keyOf(tenant: string, id: string): string {
  return `${tenant.length}:${tenant}${id}`
}
