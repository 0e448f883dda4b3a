import type { Emit } from '../../../chat/events.js'
import type { Signature } from '../../../chat/signatures.js'
import { isObject, parseJson } from '../../../lib/values.js'
import type { ToolCallDelta } from '../answer/tool-calls.js'

/** Counts over a whole stream. `id`: the start of ids for calls that have none. */
export interface StreamCounters {
  readonly id: string
  blocks: number
  calls: number
}

/** A tool call whose deltas are still arriving. */
interface PartialCall {
  /** The vendor's own `index`; undefined without one. */
  readonly callIndex: unknown
  /** Index of the block; -1 until the call's name is known. */
  blockIndex: number
  id: string
  name: string
  /** All input so far, which shows whether the call is complete. */
  input: string
  freeform: boolean
}

/** Reads the tool calls of one choice of a stream, and separates them however the vendor numbers and names them. */
export class ToolCallsReader {
  readonly #choice: number
  readonly #counters: StreamCounters
  readonly #calls: PartialCall[] = []
  /** The last call with each `index`, and the first with each id. */
  readonly #byCallIndex = new Map<unknown, PartialCall>()
  readonly #byId = new Map<string, PartialCall>()

  constructor(choice: number, counters: StreamCounters) {
    this.#choice = choice
    this.#counters = counters
  }

  get hasCalls(): boolean {
    return this.#calls.length > 0
  }

  /** Reads a delta. `callIndex`: the vendor's `index`. */
  read(callIndex: unknown, delta: ToolCallDelta, signature: Signature | undefined, emit: Emit): void {
    const call = this.#find(callIndex, delta) ?? this.#add(callIndex)
    if (call.blockIndex < 0) this.#addNames(call, delta, emit)
    if (delta.input) {
      call.input += delta.input
      if (call.blockIndex >= 0) emit({ type: 'delta', index: call.blockIndex, text: delta.input })
    }
    if (signature && call.blockIndex >= 0) emit({ type: 'mark', index: call.blockIndex, signature })
  }

  /** Ends all calls, also those without a name. */
  close(emit: Emit): void {
    for (const call of this.#calls) {
      if (call.blockIndex < 0) this.#open(call, emit)
      emit({ type: 'stop', index: call.blockIndex })
    }
  }

  /** The call that a delta continues; undefined where it starts another. */
  #find(callIndex: unknown, delta: ToolCallDelta): PartialCall | undefined {
    const call = this.#lookUp(callIndex, delta.id)
    return call && !startsNextCall(call, delta) ? call : undefined
  }

  #lookUp(callIndex: unknown, id: string): PartialCall | undefined {
    if (callIndex === undefined || callIndex === null) {
      return id === '' ? this.#calls.at(-1) : this.#byId.get(id)
    }
    // Several vendors give all calls the same index, so the last call with it counts.
    return this.#byCallIndex.get(callIndex)
  }

  #add(callIndex: unknown): PartialCall {
    const call: PartialCall = { callIndex, blockIndex: -1, id: '', name: '', input: '', freeform: false }
    this.#calls.push(call)
    this.#byCallIndex.set(callIndex, call)
    return call
  }

  #addNames(call: PartialCall, { id, name, freeform }: ToolCallDelta, emit: Emit): void {
    call.id ||= id
    call.name ||= name
    call.freeform ||= freeform
    if (call.id && !this.#byId.has(call.id)) this.#byId.set(call.id, call)
    if (call.name) this.#open(call, emit)
  }

  #open(call: PartialCall, emit: Emit): void {
    const { id, calls } = this.#counters
    if (!call.id) {
      call.id = `call_${id}_${calls}`
      this.#counters.calls++
    }
    call.blockIndex = this.#counters.blocks++
    const block = { type: 'tool-call', id: call.id, name: call.name, input: '' } as const
    const { blockIndex: index, freeform, input: text } = call
    emit({ type: 'block', index, choice: this.#choice, block: freeform ? { ...block, freeform } : block })
    if (text) emit({ type: 'delta', index, text })
  }
}

/**
 * Whether a delta with a name starts another call than the one with its index. Ids decide. Without ids, the same name may
 * repeat in each delta, so another call starts only after a complete one.
 */
function startsNextCall(call: PartialCall, { id, name }: ToolCallDelta): boolean {
  if (name === '' || call.name === '') return false
  if (id !== '') return id !== call.id
  return name !== call.name || isComplete(call.input)
}

/** In characters. The input is parsed with every delta, which costs too much for a longer one. */
const MAX_PARSED_LENGTH = 64 * 1024

function isComplete(input: string): boolean {
  return input.length < MAX_PARSED_LENGTH && input.endsWith('}') && isObject(parseJson(input))
}
