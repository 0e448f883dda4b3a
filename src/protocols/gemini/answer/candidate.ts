import type { Block } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import type { UpstreamError } from '../../../chat/upstream-error.js'
import { isObject } from '../../../lib/values.js'
import { readBytes, readUri } from '../media.js'
import { readUpstreamSignature } from '../signatures.js'
import { PROTOCOL_ID } from '../traits.js'
import { isUpstreamError, readFinish } from './finish-reason.js'
import { readGrounding } from './grounding.js'
import { PartialCall } from './partial-call.js'

type Fields = Readonly<Record<string, unknown>>

/** Numbers the blocks and calls across all candidates of an answer. */
export interface IdAllocator {
  nextBlockIndex(): number
  /** Returns the given id of a call, or a new one if the id is missing or already used. */
  callId(given: unknown): string
}

/** Reads one candidate of an answer or a stream as events. Consecutive parts of text become one block. */
export class Candidate {
  readonly #choice: number
  readonly #ids: IdAllocator
  /** Index of the open block of text or thought; -1 without one. */
  #openIndex = -1
  #isThought = false
  /** The open block has its signature, which does not cover text that follows. */
  #isSigned = false
  /** All text so far, without thoughts. `#offset` is the start of the open block in it. */
  #text = ''
  #offset = 0
  #hasOutput = false
  #hasCalls = false
  #partial: { readonly index: number; readonly call: PartialCall } | undefined
  #finished = false

  constructor(choice: number, ids: IdAllocator) {
    this.#choice = choice
    this.#ids = ids
  }

  get finished(): boolean {
    return this.#finished
  }

  /** Reads one fragment. Returns an upstream error if the candidate ended with one. */
  read(fragment: Fields, emit: Emit): UpstreamError | undefined {
    const { content } = fragment
    if (isObject(content) && Array.isArray(content.parts)) {
      for (const part of content.parts) if (isObject(part)) this.#readPart(part, emit)
    }
    return fragment.finishReason && !isUnspecified(fragment.finishReason) ? this.finish(fragment, emit) : undefined
  }

  /** Ends the candidate with the finish reason of `fragment`. Returns an upstream error if the reason is one. */
  finish(fragment: Fields, emit: Emit): UpstreamError | undefined {
    const end = readFinish(fragment, { hasOutput: this.#hasOutput, hasCalls: this.#hasCalls })
    if (isUpstreamError(end)) return end
    this.#endPartialCall(emit)
    this.#emitCitations(fragment, emit)
    this.#closeText(emit)
    this.#finished = true
    emit({ type: 'finish', choice: this.#choice, finish: end })
    return undefined
  }

  #readPart(part: Fields, emit: Emit): void {
    if (typeof part.text === 'string') this.#readText(part.text, part, emit)
    else if (isObject(part.functionCall)) this.#readCall(part.functionCall, part, emit)
    else if (isObject(part.inlineData)) this.#emitWhole(inlineOf(part.inlineData, part), emit)
    else if (isObject(part.fileData)) this.#emitWhole(fileOf(part.fileData, part), emit)
    else if (Object.keys(part).some((name) => name !== 'thought' && name !== 'thoughtSignature')) {
      this.#emitWhole(foreignOf(part), emit)
    } else if (part.thoughtSignature) this.#readText('', part, emit)
  }

  #readText(text: string, { thought, thoughtSignature }: Fields, emit: Emit): void {
    const signature = thoughtSignature === undefined ? undefined : readUpstreamSignature(thoughtSignature)
    if (text === '' && !signature) return
    const isThought = thought === true
    if (this.#openIndex < 0 || this.#isThought !== isThought || this.#isSigned) this.#openText(isThought, emit)
    const index = this.#openIndex
    if (text !== '') emit({ type: 'delta', index, text })
    if (!isThought) {
      this.#text += text
      this.#hasOutput ||= text !== ''
    }
    if (!signature) return
    emit({ type: 'mark', index, signature })
    this.#isSigned = true
  }

  #openText(isThought: boolean, emit: Emit): void {
    this.#closeText(emit)
    this.#isThought = isThought
    this.#isSigned = false
    this.#offset = this.#text.length
    this.#openIndex = this.#openBlock({ type: isThought ? 'reasoning' : 'text', text: '' }, emit)
  }

  #readCall(call: Fields, part: Fields, emit: Emit): void {
    if (this.#partial && call.name === undefined) return this.#continueCall(this.#partial, call, emit)
    this.#endPartialCall(emit)
    this.#hasOutput = true
    this.#hasCalls = true
    const id = this.#ids.callId(call.id)
    const name = typeof call.name === 'string' ? call.name : ''
    const signature = readUpstreamSignature(part.thoughtSignature)
    this.#closeText(emit)
    const index = this.#openBlock({ type: 'tool-call', id, name, input: '', signature }, emit)
    if (call.willContinue === true) {
      this.#partial = { index, call: new PartialCall() }
      this.#partial.call.append(call)
      return
    }
    const whole = new PartialCall()
    whole.append({ partialArgs: call.partialArgs })
    emit({ type: 'delta', index, text: isObject(call.args) ? JSON.stringify(call.args) : whole.json })
    emit({ type: 'stop', index })
  }

  #continueCall(partial: { readonly call: PartialCall }, call: Fields, emit: Emit): void {
    partial.call.append(call)
    if (call.willContinue !== true) this.#endPartialCall(emit)
  }

  #endPartialCall(emit: Emit): void {
    if (!this.#partial) return
    const { index, call } = this.#partial
    this.#partial = undefined
    emit({ type: 'delta', index, text: call.json })
    emit({ type: 'stop', index })
  }

  #emitWhole(block: Block, emit: Emit): void {
    this.#hasOutput = true
    this.#closeText(emit)
    emit({ type: 'stop', index: this.#openBlock(block, emit) })
  }

  #openBlock(block: Block, emit: Emit): number {
    const index = this.#ids.nextBlockIndex()
    this.#finished = false
    emit({ type: 'block', index, choice: this.#choice, block })
    return index
  }

  /** Emits the sources, which the last fragment names. Positions before the open block are left out. */
  #emitCitations(fragment: Fields, emit: Emit): void {
    if (this.#openIndex < 0 || this.#isThought) return
    for (const { start, end, ...source } of readGrounding(fragment, this.#text)) {
      const isInBlock = start !== undefined && end !== undefined && start >= this.#offset
      const range = isInBlock ? { start: start - this.#offset, end: end - this.#offset } : {}
      emit({ type: 'mark', index: this.#openIndex, citation: { ...source, ...range } })
    }
  }

  #closeText(emit: Emit): void {
    if (this.#openIndex >= 0) emit({ type: 'stop', index: this.#openIndex })
    this.#openIndex = -1
  }
}

function isUnspecified(reason: unknown): boolean {
  return reason === 'FINISH_REASON_UNSPECIFIED'
}

function inlineOf({ data, mimeType }: Fields, part: Fields): Block {
  // An image that the model made while thinking is not part of the answer.
  if (typeof data !== 'string' || part.thought === true) return foreignOf(part)
  return readBytes(data, typeof mimeType === 'string' ? mimeType : undefined, signedNative(part))
}

function fileOf({ fileUri, mimeType }: Fields, part: Fields): Block {
  if (typeof fileUri !== 'string') return foreignOf(part)
  return readUri(fileUri, typeof mimeType === 'string' ? mimeType : undefined, signedNative(part))
}

function signedNative({ thoughtSignature }: Fields): { protocol: string; fields: Fields } | undefined {
  return thoughtSignature ? { protocol: PROTOCOL_ID, fields: { thoughtSignature } } : undefined
}

function foreignOf(part: Fields): Block {
  const kind = Object.keys(part).find((name) => name !== 'thought' && name !== 'thoughtSignature') ?? 'part'
  return { type: 'foreign', protocol: PROTOCOL_ID, kind: part.thought === true ? 'thought' : kind, value: part }
}
