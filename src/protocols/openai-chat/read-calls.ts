import type { Emit } from '../../chat/events.js'
import type { Signature } from '../../chat/signatures.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { CallPiece } from './calls.js'
import type { Numbering } from './read-choice.js'

/** A call that grows. */
interface Growing {
  /** As its vendor numbers it; undefined if it does not. */
  readonly place: unknown
  /** Of its block; -1 until its name is known. */
  index: number
  id: string
  name: string
  /** All of its input, while that may tell whether it is whole. */
  input: string
  freeform: boolean
}

/** The calls of one choice of a stream, told apart however their vendor numbers and names them. */
export class CallReaders {
  readonly #choice: number
  readonly #numbering: Numbering
  readonly #calls: Growing[] = []
  /** The last of each place, and the first of each id. */
  readonly #byPlace = new Map<unknown, Growing>()
  readonly #byId = new Map<string, Growing>()

  constructor(choice: number, numbering: Numbering) {
    this.#choice = choice
    this.#numbering = numbering
  }

  get any(): boolean {
    return this.#calls.length > 0
  }

  read(place: unknown, piece: CallPiece, signature: Signature | undefined, emit: Emit): void {
    const call = this.#find(place, piece) ?? this.#add(place)
    if (call.index < 0) this.#name(call, piece, emit)
    if (piece.input) {
      call.input += piece.input
      if (call.index >= 0) emit({ type: 'delta', index: call.index, text: piece.input })
    }
    if (signature && call.index >= 0) emit({ type: 'mark', index: call.index, signature })
  }

  close(emit: Emit): void {
    for (const call of this.#calls) {
      if (call.index < 0) this.#open(call, emit)
      emit({ type: 'stop', index: call.index })
    }
  }

  /** The call that a piece goes on; undefined if it begins another. */
  #find(place: unknown, piece: CallPiece): Growing | undefined {
    const call = this.#at(place, piece.id)
    return call && !isAnother(call, piece) ? call : undefined
  }

  #at(place: unknown, id: string): Growing | undefined {
    if (place === undefined || place === null) {
      return id === '' ? this.#calls.at(-1) : this.#byId.get(id)
    }
    // The last of that place: several vendors give all calls the same.
    return this.#byPlace.get(place)
  }

  #add(place: unknown): Growing {
    const call: Growing = { place, index: -1, id: '', name: '', input: '', freeform: false }
    this.#calls.push(call)
    this.#byPlace.set(place, call)
    return call
  }

  #name(call: Growing, { id, name, freeform }: CallPiece, emit: Emit): void {
    call.id ||= id
    call.name ||= name
    call.freeform ||= freeform
    if (call.id && !this.#byId.has(call.id)) this.#byId.set(call.id, call)
    if (call.name) this.#open(call, emit)
  }

  #open(call: Growing, emit: Emit): void {
    const { id, calls } = this.#numbering
    if (!call.id) {
      call.id = `call_${id}_${calls}`
      this.#numbering.calls++
    }
    call.index = this.#numbering.blocks++
    const block = { type: 'tool-call', id: call.id, name: call.name, input: '' } as const
    const { index, freeform, input: text } = call
    emit({ type: 'block', index, choice: this.#choice, block: freeform ? { ...block, freeform } : block })
    if (text) emit({ type: 'delta', index, text })
  }
}

/**
 * Whether a piece that names itself is another call than the one in its place. Ids decide; a vendor that gives none
 * begins the next call by naming it, when the one before is whole. Others say the name with each piece.
 */
function isAnother(call: Growing, { id, name }: CallPiece): boolean {
  if (name === '' || call.name === '') return false
  if (id !== '') return id !== call.id
  return name !== call.name || isWhole(call.input)
}

/** It is looked at with every piece: a longer one is not worth that. */
const LONGEST_WHOLE = 64 * 1024

function isWhole(input: string): boolean {
  return input.length < LONGEST_WHOLE && input.endsWith('}') && isObject(parseJson(input))
}
