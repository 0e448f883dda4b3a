import { isObject } from '../lib/values.js'

/** The part of a protocol that lists an upstream's models. */
export interface ModelListing {
  /** `after`: `next` of the previous page; undefined for the first page. */
  pathFor(after: string | undefined): string
  /** Undefined where the body is not a list of models. */
  readPage(body: Buffer): ModelPage | undefined
}

/** One page of a list. */
export interface ModelPage {
  /** The names by which requests ask for the models there. */
  readonly names: readonly string[]
  /** Undefined on the last page. */
  readonly next: string | undefined
}

/** The values of a field in all rows. Skips rows without it. */
export function namesIn(rows: readonly unknown[], field: string): string[] {
  return rows.flatMap((row) => {
    const name = isObject(row) ? row[field] : undefined
    return typeof name === 'string' ? name : []
  })
}
