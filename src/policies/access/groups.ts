import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'

/** A group of the config: what its callers have in common. */
export type Group = Config['groups'][string] & { readonly name: string }

/** The groups of a config, by name. */
export class Groups {
  readonly #groups: ReadonlyMap<string, Group>

  constructor(groups: Config['groups']) {
    this.#groups = new Map(Object.entries(groups).map(([name, group]) => [name, { ...group, name }]))
  }

  /** The caller's group; for an unknown group `default`. Undefined where the config has no `default`. */
  of({ group }: Caller): Group | undefined {
    return this.#groups.get(group ?? 'default') ?? this.#groups.get('default')
  }
}
