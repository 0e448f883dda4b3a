import type { ChatAnswer } from '../../../chat/answer.js'
import type { Block } from '../../../chat/blocks.js'
import { AnswerCollector } from '../../../chat/collect-answer.js'
import type { Emit } from '../../../chat/events.js'
import { invalidAnswer, type UpstreamError } from '../../../chat/upstream-error.js'
import type { SseRecord } from '../../../lib/sse.js'
import { isObject, parseJson, textOf } from '../../../lib/values.js'
import type { ReadOptions, StreamReader } from '../../protocol.js'
import type { MakeId } from '../answer/items.js'
import { readFinish } from '../answer/status.js'
import { readUsage } from '../answer/usage.js'
import { readFailure } from '../errors.js'
import { type Opens, rawSlot, StreamItem, summarySlot } from './read-item.js'

type Fields = Readonly<Record<string, unknown>>

/** Reads one stream of a response. */
export function readStream(reading: ReadOptions): StreamReader {
  return new Reader(reading)
}

/** A whole response: the end of a stream in which nothing went before. */
export function readWhole(response: Fields, reading: ReadOptions): ChatAnswer {
  const fold = new AnswerCollector()
  new Reader(reading).take('response.completed', { response }, (event) => fold.push(event))
  return fold.answer
}

class Reader implements StreamReader {
  state: StreamReader['state'] = 'open'
  readonly makeId: MakeId
  readonly #items = new Map<number, StreamItem>()
  readonly #byId = new Map<string, StreamItem>()
  /** In the order in which they began; those at the end may be done. */
  readonly #undone: StreamItem[] = []
  #started = false
  #failed = false
  #blocks = 0
  #calls = false
  #refusals = false

  constructor({ id }: ReadOptions) {
    let made = 0
    this.makeId = () => `call_${id}_${made++}`
  }

  read(record: SseRecord, emit: Emit): void {
    if (this.#failed || this.state === 'over' || isNothing(record.data)) return
    const event = parseJson(record.data)
    if (!isObject(event)) return this.fail(invalidAnswer('a stream record that is not JSON'), emit)
    this.take(textOf(event.type) ?? record.event ?? '', event, emit)
  }

  take(type: string, event: Fields, emit: Emit): void {
    const handle = HANDLERS.get(type)
    if (handle) {
      if (!this.#started) this.#start(event, emit)
      handle(this, event, emit)
    } else if (event.error) this.fail(readFailure(event.error), emit)
  }

  /** The item that an event speaks of; some servers leave out its index, or its beginning. */
  item({ output_index: index, item_id: id }: Fields, kind: unknown): StreamItem {
    const known =
      typeof index === 'number' ? this.#items.get(index) : (this.#byId.get(textOf(id) ?? '') ?? this.#latest())
    return known ?? this.#add(typeof index === 'number' ? index : this.#free(), kind)
  }

  /** What an item's own record says of it. */
  know(item: StreamItem): void {
    if (item.id !== undefined && !this.#byId.has(item.id)) this.#byId.set(item.id, item)
  }

  /** Emits the beginning of the next block. */
  open(block: Block, emit: Emit): number {
    if (block.type === 'tool-call') this.#calls = true
    if (block.type === 'refusal') this.#refusals = true
    const index = this.#blocks++
    emit({ type: 'block', index, choice: 0, block })
    return index
  }

  /** The end, good or cut short. What the stream itself left out is taken from the whole. */
  end(event: Fields, emit: Emit): void {
    const response = isObject(event.response) ? event.response : {}
    if (response.status === 'failed' || response.status === 'cancelled') {
      return this.fail(readFailure(response.error), emit)
    }
    const output = Array.isArray(response.output) ? response.output.filter(isObject) : []
    for (const [at, item] of output.entries()) this.#complete(at, item, output.length, emit)
    for (const item of this.#items.values()) item.close(emit)
    const status = event.type === 'response.incomplete' ? 'incomplete' : response.status
    const held = { calls: this.#calls, refusals: this.#refusals }
    emit({ type: 'finish', choice: 0, finish: readFinish({ ...response, status }, held) })
    const usage = readUsage(response.usage)
    if (usage) emit({ type: 'usage', usage })
    this.state = 'over'
  }

  fail(upstreamError: UpstreamError, emit: Emit): void {
    if (!this.#started) this.#start({}, emit)
    this.#failed = true
    emit({ type: 'error', upstreamError })
  }

  #start(event: Fields, emit: Emit): void {
    this.#started = true
    const response = isObject(event.response) ? event.response : {}
    emit({ type: 'start', id: textOf(response.id) ?? undefined, model: textOf(response.model) ?? undefined })
  }

  #add(index: number, kind: unknown): StreamItem {
    const item = new StreamItem(this, String(kind))
    this.#items.set(index, item)
    this.#undone.push(item)
    return item
  }

  #latest(): StreamItem | undefined {
    while (this.#undone.at(-1)?.isDone) this.#undone.pop()
    return this.#undone.at(-1)
  }

  #free(): number {
    let index = this.#items.size
    while (this.#items.has(index)) index++
    return index
  }

  #complete(at: number, whole: Fields, count: number, emit: Emit): void {
    const id = textOf(whole.id)
    const placed = this.#items.get(at)
    const same = placed?.kind === whole.type ? placed : undefined
    const known = this.#byId.get(id ?? '') ?? same
    if (known) return known.done(whole, emit)
    if (this.#items.size >= count) return
    this.#add(this.#items.has(at) ? this.#free() : at, whole.type).done(whole, emit)
  }
}

/** Some gateways keep a connection alive by records instead of comments; some end it as the older language does. */
function isNothing(data: string): boolean {
  const first = data.charCodeAt(0)
  if (first === BRACE) return false
  const text = data.trim()
  return text === '' || text.startsWith(':') || text === '[DONE]'
}

const BRACE = 0x7b

type Handle = (reader: Reader, event: Fields, emit: Emit) => void

function place(index: unknown): number {
  return typeof index === 'number' && index >= 0 ? index : 0
}

function spelled(text: unknown): string {
  return typeof text === 'string' ? text : ''
}

/** A part that grows: by deltas, and by a word of all of it. */
interface Growth {
  readonly event: string
  /** Of its item, and of the block that it opens. */
  readonly kind: string
  readonly opens: Opens
  readonly slot: (event: Fields) => number
  /** Where all of it stands. */
  readonly field: string
}

const inContent = ({ content_index: at }: Fields): number => place(at)
const inSummary = ({ summary_index: at }: Fields): number => summarySlot(place(at))
const inThoughts = ({ content_index: at }: Fields): number => rawSlot(place(at))
const inCall = (): number => 0

const GROWING: readonly Growth[] = [
  { event: 'output_text', kind: 'message', opens: 'text', slot: inContent, field: 'text' },
  { event: 'refusal', kind: 'message', opens: 'refusal', slot: inContent, field: 'refusal' },
  { event: 'reasoning_summary_text', kind: 'reasoning', opens: 'reasoning', slot: inSummary, field: 'text' },
  { event: 'reasoning_text', kind: 'reasoning', opens: 'reasoning', slot: inThoughts, field: 'text' },
  { event: 'function_call_arguments', kind: 'function_call', opens: 'tool-call', slot: inCall, field: 'arguments' },
  { event: 'custom_tool_call_input', kind: 'custom_tool_call', opens: 'tool-call', slot: inCall, field: 'input' },
]

function grows({ kind, opens, slot }: Growth): Handle {
  return (reader, event, emit) => reader.item(event, kind).grow(slot(event), spelled(event.delta), opens, emit)
}

function fills({ kind, opens, slot, field }: Growth): Handle {
  return (reader, event, emit) => reader.item(event, kind).fill(slot(event), spelled(event[field]), opens, emit)
}

const added: Handle = (reader, event, emit) => {
  if (!isObject(event.item)) return
  const item = reader.item(event, event.item.type)
  item.added(event.item, emit)
  reader.know(item)
}

const done: Handle = (reader, event, emit) => {
  if (!isObject(event.item)) return
  const item = reader.item({ item_id: event.item.id, ...event }, event.item.type)
  item.done(event.item, emit)
  reader.know(item)
}

const partDone: Handle = (reader, event, emit) => {
  if (!isObject(event.part)) return
  const kind = event.part.type === 'reasoning_text' ? 'reasoning' : 'message'
  reader.item(event, kind).partDone(place(event.content_index), event.part, emit)
}

const cite: Handle = (reader, event, emit) =>
  reader.item(event, 'message').cite(place(event.content_index), event.annotation, emit)

const end: Handle = (reader, event, emit) => reader.end(event, emit)

const failed: Handle = (reader, event, emit) => {
  const response = isObject(event.response) ? event.response : event
  reader.fail(readFailure(response.error ?? (response === event ? { ...event, type: null } : undefined)), emit)
}

/** What only tells that the work goes on starts the stream, and no more. */
const goOn: Handle = () => undefined

const HANDLERS: ReadonlyMap<string, Handle> = new Map<string, Handle>([
  ...GROWING.map((growth) => [`response.${growth.event}.delta`, grows(growth)] as const),
  ...GROWING.map((growth) => [`response.${growth.event}.done`, fills(growth)] as const),
  ['response.output_item.added', added],
  ['response.output_item.done', done],
  ['response.content_part.done', partDone],
  ['response.output_text.annotation.added', cite],
  ['response.created', goOn],
  ['response.in_progress', goOn],
  ['response.queued', goOn],
  ['response.completed', end],
  ['response.incomplete', end],
  ['response.done', end],
  ['response.failed', failed],
  ['response.cancelled', failed],
  ['error', failed],
])
