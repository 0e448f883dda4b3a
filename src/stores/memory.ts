import { LRUCache } from 'lru-cache'

/** What a store in memory may hold. */
export interface Bounds {
  readonly maxBytes: number
  /** How long a thing is kept. */
  readonly ms: number
}

/** What every entry costs beside its text. */
const OVERHEAD = 256

/** Things by key, up to so many bytes: the longest unused go first. */
export class BoundedMap<Thing extends object> {
  readonly #things: LRUCache<string, Thing>

  /** `sizeOf`: about how many bytes a thing holds. */
  constructor({ maxBytes, ms }: Bounds, sizeOf: (thing: Thing) => number) {
    const sizeCalculation = (thing: Thing, key: string): number => sizeOf(thing) + 2 * key.length + OVERHEAD
    this.#things = new LRUCache({ maxSize: maxBytes, sizeCalculation, ttl: ms })
  }

  get size(): number {
    return this.#things.size
  }

  get(key: string): Thing | undefined {
    return this.#things.get(key)
  }

  set(key: string, thing: Thing): void {
    this.#things.set(key, thing)
  }

  delete(key: string): void {
    this.#things.delete(key)
  }
}

/** Things by tenant and id, bounded likewise. No tenant sees another's. */
export class MemoryStore<Thing extends object> {
  readonly #things: BoundedMap<Thing>

  /** `lengthOf`: about how many characters a thing holds. */
  constructor(bounds: Bounds, lengthOf: (thing: Thing) => number) {
    this.#things = new BoundedMap(bounds, (thing) => 2 * lengthOf(thing))
  }

  get isEmpty(): boolean {
    return this.#things.size === 0
  }

  get(tenant: string, id: string): Thing | undefined {
    return this.#things.get(keyOf(tenant, id))
  }

  set(tenant: string, id: string, thing: Thing): void {
    this.#things.set(keyOf(tenant, id), thing)
  }

  delete(tenant: string, id: string): void {
    this.#things.delete(keyOf(tenant, id))
  }
}

/** The length of the first part is told, so that no two pairs give the same key. */
function keyOf(tenant: string, id: string): string {
  return `${tenant.length}:${tenant}${id}`
}
