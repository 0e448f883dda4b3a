import type { Native } from '../../chat/blocks.js'

/** The language's name. */
export const ID = 'openai-responses'

/** What an object holds beyond what is known of it. Null says nothing. */
export function nativeOf(value: object, known: ReadonlySet<string>): Native | undefined {
  const entries = Object.entries(value).filter(([name, inner]) => !known.has(name) && inner !== null)
  return entries.length === 0 ? undefined : { protocol: ID, fields: Object.fromEntries(entries) }
}

/** The fields, if they are this language's own. */
export function ownFields(native: Native | undefined): Readonly<Record<string, unknown>> {
  return native?.protocol === ID ? native.fields : NONE
}

const NONE: Readonly<Record<string, unknown>> = {}
