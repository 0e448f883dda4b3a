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

/** What candidates share: one numbering of blocks, one of invented ids. */
export interface Numbers {
  nextBlock(): number
  /** An id for a call: the given one, unless there is none or it is taken. */
  callId(given: unknown): string
}

/** One candidate of an answer or a stream: its parts become blocks, text that goes on goes on in one. */
export class Candidate {
  readonly #choice: number
  readonly #numbers: Numbers
  /** Of the block of text or thought that may go on; -1 for none. */
  #open = -1
  #isThought = false
  /** It has its signature: text that follows is not what was signed. */
  #isSigned = false
  /** All text so far, and where the open block begins in it. */
  #text = ''
  #offset = 0
  #saidAnything = false
  #saidCalls = false
  #partial: { readonly index: number; readonly call: PartialCall } | undefined
  #finished = false

  constructor(choice: number, numbers: Numbers) {
    this.#choice = choice
    this.#numbers = numbers
  }

  get finished(): boolean {
    return this.#finished
  }

  /** Reads one fragment. The fault is of a candidate that broke off. */
  read(fragment: Fields, emit: Emit): UpstreamError | undefined {
    const { content } = fragment
    if (isObject(content) && Array.isArray(content.parts)) {
      for (const part of content.parts) if (isObject(part)) this.#part(part, emit)
    }
    return fragment.finishReason && !isUnspecified(fragment.finishReason) ? this.finish(fragment, emit) : undefined
  }

  /** Ends it, with what the last fragment says of it. */
  finish(fragment: Fields, emit: Emit): UpstreamError | undefined {
    const end = readFinish(fragment, { hasOutput: this.#saidAnything, hasCalls: this.#saidCalls })
    if (isUpstreamError(end)) return end
    this.#endPartial(emit)
    this.#cite(fragment, emit)
    this.#close(emit)
    this.#finished = true
    emit({ type: 'finish', choice: this.#choice, finish: end })
    return undefined
  }

  #part(part: Fields, emit: Emit): void {
    if (typeof part.text === 'string') this.#say(part.text, part, emit)
    else if (isObject(part.functionCall)) this.#call(part.functionCall, part, emit)
    else if (isObject(part.inlineData)) this.#whole(inlineOf(part.inlineData, part), emit)
    else if (isObject(part.fileData)) this.#whole(fileOf(part.fileData, part), emit)
    else if (Object.keys(part).some((name) => name !== 'thought' && name !== 'thoughtSignature')) {
      this.#whole(foreignOf(part), emit)
    } else if (part.thoughtSignature) this.#say('', part, emit)
  }

  #say(text: string, { thought, thoughtSignature }: Fields, emit: Emit): void {
    const signature = thoughtSignature === undefined ? undefined : readUpstreamSignature(thoughtSignature)
    if (text === '' && !signature) return
    const isThought = thought === true
    if (this.#open < 0 || this.#isThought !== isThought || this.#isSigned) this.#begin(isThought, emit)
    const index = this.#open
    if (text !== '') emit({ type: 'delta', index, text })
    if (!isThought) {
      this.#text += text
      this.#saidAnything ||= text !== ''
    }
    if (!signature) return
    emit({ type: 'mark', index, signature })
    this.#isSigned = true
  }

  #begin(isThought: boolean, emit: Emit): void {
    this.#close(emit)
    this.#isThought = isThought
    this.#isSigned = false
    this.#offset = this.#text.length
    this.#open = this.#opened({ type: isThought ? 'reasoning' : 'text', text: '' }, emit)
  }

  #call(call: Fields, part: Fields, emit: Emit): void {
    if (this.#partial && call.name === undefined) return this.#goOn(this.#partial, call, emit)
    this.#endPartial(emit)
    this.#saidAnything = true
    this.#saidCalls = true
    const id = this.#numbers.callId(call.id)
    const name = typeof call.name === 'string' ? call.name : ''
    const signature = readUpstreamSignature(part.thoughtSignature)
    this.#close(emit)
    const index = this.#opened({ type: 'tool-call', id, name, input: '', signature }, emit)
    if (call.willContinue === true) {
      this.#partial = { index, call: new PartialCall() }
      this.#partial.call.take(call)
      return
    }
    const whole = new PartialCall()
    whole.take({ partialArgs: call.partialArgs })
    emit({ type: 'delta', index, text: isObject(call.args) ? JSON.stringify(call.args) : whole.text })
    emit({ type: 'stop', index })
  }

  #goOn(partial: { readonly call: PartialCall }, call: Fields, emit: Emit): void {
    partial.call.take(call)
    if (call.willContinue !== true) this.#endPartial(emit)
  }

  #endPartial(emit: Emit): void {
    if (!this.#partial) return
    const { index, call } = this.#partial
    this.#partial = undefined
    emit({ type: 'delta', index, text: call.text })
    emit({ type: 'stop', index })
  }

  #whole(block: Block, emit: Emit): void {
    this.#saidAnything = true
    this.#close(emit)
    emit({ type: 'stop', index: this.#opened(block, emit) })
  }

  #opened(block: Block, emit: Emit): number {
    const index = this.#numbers.nextBlock()
    this.#finished = false
    emit({ type: 'block', index, choice: this.#choice, block })
    return index
  }

  /** Sources come at the end, and cite the text that is still open: earlier ones are told without their place. */
  #cite(fragment: Fields, emit: Emit): void {
    if (this.#open < 0 || this.#isThought) return
    for (const { start, end, ...source } of readGrounding(fragment, this.#text)) {
      const isHere = start !== undefined && end !== undefined && start >= this.#offset
      const place = isHere ? { start: start - this.#offset, end: end - this.#offset } : {}
      emit({ type: 'mark', index: this.#open, citation: { ...source, ...place } })
    }
  }

  #close(emit: Emit): void {
    if (this.#open >= 0) emit({ type: 'stop', index: this.#open })
    this.#open = -1
  }
}

function isUnspecified(reason: unknown): boolean {
  return reason === 'FINISH_REASON_UNSPECIFIED'
}

function inlineOf({ data, mimeType }: Fields, part: Fields): Block {
  // An image drawn while thinking is no part of the answer.
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
