import type { Upstream } from '../../targets.js'

/** The models that providers list themselves, and which provider serves a name. */
export class DiscoveredModels {
  readonly #upstreams: readonly Upstream[]
  readonly #lists = new Map<Upstream, readonly string[]>()
  #owners = new Map<string, Upstream>()

  constructor(upstreams: Iterable<Upstream>) {
    this.#upstreams = [...upstreams]
  }

  /** The provider's list; undefined where it has not been read. */
  namesOf(upstream: Upstream): readonly string[] | undefined {
    return this.#lists.get(upstream)
  }

  /** The provider that serves a name: the first in the config that lists it. */
  ownerOf(name: string): Upstream | undefined {
    return this.#owners.get(name)
  }

  /** Replaces a provider's list. Returns the names that now have another owner, or none. */
  add(upstream: Upstream, names: readonly string[]): readonly string[] {
    this.#lists.set(upstream, names)
    const previous = this.#owners
    const owners = new Map<string, Upstream>()
    for (const listed of this.#upstreams) {
      for (const name of this.#lists.get(listed) ?? []) if (!owners.has(name)) owners.set(name, listed)
    }
    this.#owners = owners
    return [...previous.keys()].filter((name) => owners.get(name) !== previous.get(name))
  }
}
