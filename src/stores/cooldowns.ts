/** Something that rests: a credential, a credential × model. */
export interface Cooldown {
  readonly name: string
  /** `rest`: after failures, until a probe goes well. `pause`: as the upstream asked, until it is over. */
  readonly kind: 'rest' | 'pause'
  /** From now on. */
  readonly ms: number
}

/** What rests, told to the other processes that share it. */
export interface CooldownStore {
  put(rest: Cooldown): void | Promise<void>
  /** It works again. */
  remove(name: string): void | Promise<void>
  /** All that rests now, by anyone's word. @throws {StoreDown} */
  list(): Promise<readonly Cooldown[]>
}
