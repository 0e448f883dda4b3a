import type { Finish } from '../../chat/answer.js'
import type { ChatEvent } from '../../chat/events.js'

/** What the blocks of one choice share. */
export interface ChoiceState {
  /** A record up to its delta, and what follows it. */
  readonly head: string
  readonly tail: string
  readonly legacy: boolean
  calls: number
  details: number
  /** All text so far, for the places of citations. */
  text: string
  /** Reasoning since the last signature. */
  thought: string
  hasRefusal: boolean
  finish: Finish | undefined
}

export type Mark = Extract<ChatEvent, { type: 'mark' }>

/** A block of a stream that is being written. Each gives the records that it comes to. */
export interface OpenBlock {
  begin(): string
  delta(text: string): string
  mark(mark: Mark): string
  stop(): string
}

/** A record whose delta has these fields. */
export function record({ head, tail }: ChoiceState, fields: object): string {
  return head + JSON.stringify(fields).slice(1, -1) + tail
}
