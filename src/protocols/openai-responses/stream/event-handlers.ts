import type { Emit } from '../../../chat/events.js'
import type { UpstreamError } from '../../../chat/upstream-error.js'
import { isObject } from '../../../lib/values.js'
import { readResponseError } from '../errors.js'
import { type ItemReader, type PartKind, reasoningTextKey, summaryKey } from './read-item.js'

type Fields = Readonly<Record<string, unknown>>

/** The state of a stream, as the handlers of its events use it. */
export interface StreamState {
  /** Finds the item of an event, or adds one of this type. */
  itemFor(event: Fields, type: unknown): ItemReader
  /** Makes the item available by its id. */
  registerId(item: ItemReader): void
  finish(event: Fields, emit: Emit): void
  fail(upstreamError: UpstreamError, emit: Emit): void
}

type EventHandler = (state: StreamState, event: Fields, emit: Emit) => void

/** A kind of part, with the events that bring its text: one for deltas, one for the whole text. */
interface PartEvents {
  /** The events are `response.<name>.delta` and `response.<name>.done`. */
  readonly name: string
  readonly itemType: string
  readonly kind: PartKind
  readonly keyOf: (event: Fields) => number
  /** The field that holds the whole text. */
  readonly textField: string
}

const contentKey = ({ content_index: index }: Fields): number => toIndex(index)

const PART_EVENTS: readonly PartEvents[] = [
  { name: 'output_text', itemType: 'message', kind: 'text', keyOf: contentKey, textField: 'text' },
  { name: 'refusal', itemType: 'message', kind: 'refusal', keyOf: contentKey, textField: 'refusal' },
  {
    name: 'reasoning_summary_text',
    itemType: 'reasoning',
    kind: 'reasoning',
    keyOf: ({ summary_index: index }) => summaryKey(toIndex(index)),
    textField: 'text',
  },
  {
    name: 'reasoning_text',
    itemType: 'reasoning',
    kind: 'reasoning',
    keyOf: ({ content_index: index }) => reasoningTextKey(toIndex(index)),
    textField: 'text',
  },
  {
    name: 'function_call_arguments',
    itemType: 'function_call',
    kind: 'tool-call',
    keyOf: () => 0,
    textField: 'arguments',
  },
  {
    name: 'custom_tool_call_input',
    itemType: 'custom_tool_call',
    kind: 'tool-call',
    keyOf: () => 0,
    textField: 'input',
  },
]

function toIndex(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function deltaHandler({ itemType, kind, keyOf }: PartEvents): EventHandler {
  return (state, event, emit) => state.itemFor(event, itemType).addDelta(keyOf(event), toText(event.delta), kind, emit)
}

function wholeTextHandler({ itemType, kind, keyOf, textField }: PartEvents): EventHandler {
  return (state, event, emit) =>
    state.itemFor(event, itemType).completeText(keyOf(event), toText(event[textField]), kind, emit)
}

const beginItem: EventHandler = (state, event, emit) => {
  if (!isObject(event.item)) return
  const item = state.itemFor(event, event.item.type)
  item.begin(event.item, emit)
  state.registerId(item)
}

const completeItem: EventHandler = (state, event, emit) => {
  if (!isObject(event.item)) return
  const item = state.itemFor({ item_id: event.item.id, ...event }, event.item.type)
  item.complete(event.item, emit)
  state.registerId(item)
}

const completePart: EventHandler = (state, event, emit) => {
  if (!isObject(event.part)) return
  const itemType = event.part.type === 'reasoning_text' ? 'reasoning' : 'message'
  state.itemFor(event, itemType).completePart(contentKey(event), event.part, emit)
}

const addCitation: EventHandler = (state, event, emit) =>
  state.itemFor(event, 'message').addCitation(contentKey(event), event.annotation, emit)

const finish: EventHandler = (state, event, emit) => state.finish(event, emit)

const fail: EventHandler = (state, event, emit) => {
  const response = isObject(event.response) ? event.response : event
  // An event `error` may have the error's fields directly. Its `type` is then not the error's.
  const flatError = response === event ? { ...event, type: null } : undefined
  state.fail(readResponseError(response.error ?? flatError), emit)
}

/** Events that only start the answer. */
const ignore: EventHandler = () => undefined

/** By the event's type. */
export const eventHandlers: ReadonlyMap<string, EventHandler> = new Map<string, EventHandler>([
  ...PART_EVENTS.map((events) => [`response.${events.name}.delta`, deltaHandler(events)] as const),
  ...PART_EVENTS.map((events) => [`response.${events.name}.done`, wholeTextHandler(events)] as const),
  ['response.output_item.added', beginItem],
  ['response.output_item.done', completeItem],
  ['response.content_part.done', completePart],
  ['response.output_text.annotation.added', addCitation],
  ['response.created', ignore],
  ['response.in_progress', ignore],
  ['response.queued', ignore],
  ['response.completed', finish],
  ['response.incomplete', finish],
  ['response.done', finish],
  ['response.failed', fail],
  ['response.cancelled', fail],
  ['error', fail],
])
