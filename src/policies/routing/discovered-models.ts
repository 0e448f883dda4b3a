import type { Upstream } from '../../targets.js'

/** Which models providers have, by their own word, and which of them has a name. */
export class DiscoveredModels {
  readonly #upstreams: readonly Upstream[]
  readonly #lists = new Map<Upstream, readonly string[]>()
  #owners = new Map<string, Upstream>()

  constructor(upstreams: Iterable<Upstream>) {
    this.#upstreams = [...upstreams]
  }

  /** Undefined for one that has not said it. */
  namesOf(upstream: Upstream): readonly string[] | undefined {
    return this.#lists.get(upstream)
  }

  /** Whose a name is: of several the first in the config has it. */
  ownerOf(name: string): Upstream | undefined {
    return this.#owners.get(name)
  }

  /** What a provider has from now on. Gives the names that are no longer whose they were. */
  add(upstream: Upstream, names: readonly string[]): readonly string[] {
    this.#lists.set(upstream, names)
    const before = this.#owners
    const owners = new Map<string, Upstream>()
    for (const one of this.#upstreams) {
      for (const name of this.#lists.get(one) ?? []) if (!owners.has(name)) owners.set(name, one)
    }
    this.#owners = owners
    return [...before.keys()].filter((name) => owners.get(name) !== before.get(name))
  }
}
