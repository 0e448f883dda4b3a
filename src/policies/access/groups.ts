import type { Caller } from '../../caller.js'
import type { Config } from '../../config/config.js'

/** What the callers of a group have in common. */
export type Group = Config['groups'][string] & { readonly name: string }

/** The groups of a config, by name. */
export class Groups {
  readonly #groups: ReadonlyMap<string, Group>

  constructor(groups: Config['groups']) {
    this.#groups = new Map(Object.entries(groups).map(([name, group]) => [name, { ...group, name }]))
  }

  /** A caller's. One that is unknown here is `default`; undefined where that is not configured either. */
  of({ group }: Caller): Group | undefined {
    return this.#groups.get(group ?? 'default') ?? this.#groups.get('default')
  }
}
