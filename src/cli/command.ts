/** One thing the command line can do. */
export interface Command {
  /** Options that mean something here; any other is refused. */
  readonly options: readonly (keyof Values)[]
  /** Words that must follow the command, by what they are. */
  readonly takes: readonly string[]
  run(values: Values, words: readonly string[]): void | Promise<void>
}

/** What was given on the command line, by the option's name. */
export interface Values {
  readonly config?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly id?: string | undefined
  readonly group?: string | undefined
  readonly models?: string | undefined
  readonly expires?: string | undefined
  readonly overlap?: string | undefined
}
