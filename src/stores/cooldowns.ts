/** A time in which the relay does not use a credential, or a credential × model. */
export interface Cooldown {
  /** Which credential, or credential × model. */
  readonly name: string
  /** `failure`: after failures, until a probe succeeds. `rate-limit`: as the upstream asked, until the time is over. */
  readonly kind: 'failure' | 'rate-limit'
  /** Remaining time, in ms. */
  readonly ms: number
}

/** Shares cooldowns between processes. */
export interface CooldownStore {
  /** Starts a cooldown, or replaces the one of that name. */
  put(cooldown: Cooldown): void | Promise<void>
  /** Ends a cooldown. */
  remove(name: string): void | Promise<void>
  /**
   * Returns the current cooldowns of all processes.
   *
   * @throws {StoreUnavailable}
   */
  list(): Promise<readonly Cooldown[]>
}
