import { isObject } from '../lib/values.js'

/** How a language asks a place which models it has. */
export interface ModelListing {
  /** `after`: what the page before said of where the next begins; undefined for the first. */
  pathFor(after: string | undefined): string
  /** Undefined for what is no list. */
  readPage(body: Buffer): ModelPage | undefined
}

/** A part of such a list, or all of it. */
export interface ModelPage {
  /** As models are asked for at that place. */
  readonly names: readonly string[]
  /** Where the next page begins; undefined after the last. */
  readonly next: string | undefined
}

/** The texts that rows have under a field. A row without one is no model. */
export function namesIn(rows: readonly unknown[], field: string): string[] {
  return rows.flatMap((row) => {
    const name = isObject(row) ? row[field] : undefined
    return typeof name === 'string' ? name : []
  })
}
