import type { Finish } from '../../../chat/answer.js'
import type { ChatEvent } from '../../../chat/events.js'

/** The state of one choice that its block writers share. */
export interface ChoiceState {
  /** The text of a record before and after the fields of its delta. */
  readonly head: string
  readonly tail: string
  /** Tool calls are written as the deprecated `function_call`. */
  readonly usesFunctionCall: boolean
  /** Number of tool calls so far. */
  calls: number
  /** Number of reasoning details so far. */
  details: number
  /** All text so far, because positions of citations refer to it. */
  text: string
  /** Reasoning since the last signature. */
  reasoning: string
  hasRefusal: boolean
  finish: Finish | undefined
}

export type Mark = Extract<ChatEvent, { type: 'mark' }>

/** Writes one block of a stream. Each method returns the records to send, or an empty text. */
export interface BlockWriter {
  begin(): string
  delta(text: string): string
  mark(mark: Mark): string
  stop(): string
}

/** Writes a record whose delta has these fields. */
export function deltaRecord({ head, tail }: ChoiceState, fields: object): string {
  return head + JSON.stringify(fields).slice(1, -1) + tail
}
