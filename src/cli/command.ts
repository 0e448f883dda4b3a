/** A command of the command line. */
export interface Command {
  /** Its options. Any other option is an error. */
  readonly options: readonly (keyof CommandOptions)[]
  /** Names of its arguments. All of them are required. */
  readonly argumentNames: readonly string[]
  run(options: CommandOptions, args: readonly string[]): void | Promise<void>
}

/** The options on the command line, by name. */
export interface CommandOptions {
  readonly config?: string | undefined
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly id?: string | undefined
  readonly group?: string | undefined
  readonly models?: string | undefined
  readonly expires?: string | undefined
  readonly overlap?: string | undefined
}

/** An error that the user can correct. The command line prints its message without a stack. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CommandError'
  }
}

/** Formats rows as aligned columns. The first row has the headings. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const formatRow = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => formatRow(row).trimEnd()).join('\n')
}
