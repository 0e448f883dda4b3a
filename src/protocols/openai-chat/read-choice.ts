import type { Emit } from '../../chat/events.js'
import { isObject } from '../../lib/values.js'
import { GrowingAudio, readAudio } from './audio.js'
import { readCallPiece } from './calls.js'
import { messageOf } from './choices.js'
import { readCitations } from './citations.js'
import { readFinish } from './finish.js'
import { readGoogleSignature } from './google.js'
import { thinkingText } from './parts.js'
import { readImages } from './read-assistant.js'
import { CallReaders } from './read-calls.js'
import { type Detail, readDetail, reasoningTextOf } from './reasoning.js'

/** Counts over a whole stream. */
export interface Numbering {
  readonly id: string
  blocks: number
  calls: number
}

type Prose = 'text' | 'reasoning' | 'refusal'

/** One choice of a stream: prose in one block after another, beside it the calls, all of which stay open to its end. */
export class ChoiceReader {
  readonly #choice: number
  readonly #numbering: Numbering
  readonly #calls: CallReaders
  #prose: Prose | undefined
  #index = -1
  /** All text of the choice, and where the open block begins in it: citations are counted by it. */
  #text = ''
  #textAt = 0
  /** Reasoning since the last proof of it. */
  #thought = ''
  /** Of the last detail that had words. */
  #place: string | undefined
  #hasRefusal = false
  #audio: GrowingAudio | undefined
  isFinished = false

  constructor(choice: number, numbering: Numbering) {
    this.#choice = choice
    this.#numbering = numbering
    this.#calls = new CallReaders(choice, numbering)
  }

  read(choice: Record<string, unknown>, emit: Emit): void {
    if (this.isFinished) return
    const delta = messageOf(choice)
    if (delta) this.#readDelta(delta, emit)
    if (choice.finish_reason) this.finish(choice.finish_reason, emit)
  }

  /** Closes all that is open. A stream that ended without a word for it simply stopped. */
  finish(word: unknown, emit: Emit): void {
    if (this.isFinished) return
    this.isFinished = true
    this.#close(emit)
    for (const block of readAudio(this.#audio?.whole)) this.#whole(block, emit)
    this.#calls.close(emit)
    emit({ type: 'finish', choice: this.#choice, finish: readFinish(word, this.#calls.any, this.#hasRefusal) })
  }

  #readDelta(delta: Record<string, unknown>, emit: Emit): void {
    const { content } = delta
    const reasoning = reasoningTextOf(delta)
    if (Array.isArray(delta.reasoning_details))
      this.#readDetails(delta.reasoning_details.map(readDetail), reasoning, emit)
    else if (reasoning) this.#say('reasoning', reasoning, emit)
    if (typeof content === 'string') this.#say('text', content, emit)
    else if (Array.isArray(content)) this.#readParts(content, emit)
    if (delta.annotations) this.#cite(delta.annotations, emit)
    if (delta.extra_content) this.#sign(delta.extra_content, emit)
    if (typeof delta.refusal === 'string') this.#say('refusal', delta.refusal, emit)
    if (delta.images) for (const image of readImages(delta)) this.#whole(image, emit)
    if (isObject(delta.audio)) {
      this.#audio ??= new GrowingAudio()
      this.#audio.push(delta.audio)
    }
    if (Array.isArray(delta.tool_calls)) this.#readCalls(delta.tool_calls, emit)
    if (isObject(delta.function_call)) this.#readLegacy(delta.function_call, emit)
  }

  #say(prose: Prose, text: string, emit: Emit): void {
    if (text === '') return
    this.#turnTo(prose, emit)
    if (prose === 'text') this.#text += text
    else if (prose === 'reasoning') this.#thought += text
    else this.#hasRefusal = true
    emit({ type: 'delta', index: this.#index, text })
  }

  #turnTo(prose: Prose, emit: Emit): void {
    if (this.#prose === prose) return
    this.#close(emit)
    this.#prose = prose
    this.#index = this.#numbering.blocks++
    this.#textAt = this.#text.length
    emit({ type: 'block', index: this.#index, choice: this.#choice, block: { type: prose, text: '' } })
  }

  #close(emit: Emit): void {
    if (this.#prose === undefined) return
    this.#prose = undefined
    emit({ type: 'stop', index: this.#index })
  }

  /** Their words are those said beside them, which are told once: by the details, if those say the same or come first. */
  #readDetails(details: readonly (Detail | undefined)[], said: string, emit: Emit): void {
    const told = details.map((detail) => detail?.text ?? '').join('')
    const isTold = told !== '' && (this.#thought === '' || said.startsWith(told))
    if (!isTold) this.#say('reasoning', said, emit)
    for (const detail of details) if (detail) this.#readDetail(detail, said !== '' && !isTold, emit)
    if (isTold && said.startsWith(told)) this.#say('reasoning', said.slice(told.length), emit)
  }

  /** A proof is of the words beside it, or of all that was thought since the last one. */
  #readDetail({ text, signature, hidden, place }: Detail, isSaid: boolean, emit: Emit): void {
    if (text !== '' && place !== this.#place) {
      if (this.#place !== undefined && this.#prose === 'reasoning') this.#close(emit)
      this.#place = place
    }
    const isRepeat = isSaid || (signature !== undefined && this.#thought.endsWith(text))
    if (!isRepeat) this.#say('reasoning', text, emit)
    if (!signature) return
    if (hidden) this.#close(emit)
    this.#turnTo('reasoning', emit)
    emit({ type: 'mark', index: this.#index, signature })
    this.#close(emit)
    this.#thought = ''
  }

  #readParts(parts: readonly unknown[], emit: Emit): void {
    for (const part of parts) {
      if (!isObject(part)) continue
      if (part.type === 'thinking') this.#say('reasoning', thinkingText(part.thinking), emit)
      else if (part.type === 'image_url') for (const image of readImages({ images: [part] })) this.#whole(image, emit)
      else if (typeof part.refusal === 'string') this.#say('refusal', part.refusal, emit)
      else if (typeof part.text === 'string') this.#say('text', part.text, emit)
    }
  }

  #cite(annotations: unknown, emit: Emit): void {
    const at = this.#prose === 'text' ? this.#textAt : this.#text.length
    for (const citation of readCitations(annotations, this.#text, at)) {
      this.#turnTo('text', emit)
      emit({ type: 'mark', index: this.#index, citation })
    }
  }

  /** Google's signature of a text, which may have come without any text. */
  #sign(extra: unknown, emit: Emit): void {
    const signature = readGoogleSignature(extra)
    if (!signature) return
    this.#turnTo('text', emit)
    emit({ type: 'mark', index: this.#index, signature })
  }

  #whole(block: ReturnType<typeof readImages>[number], emit: Emit): void {
    this.#close(emit)
    const index = this.#numbering.blocks++
    emit({ type: 'block', index, choice: this.#choice, block })
    emit({ type: 'stop', index })
  }

  #readCalls(calls: readonly unknown[], emit: Emit): void {
    for (const call of calls) {
      if (!isObject(call)) continue
      this.#close(emit)
      this.#calls.read(call.index, readCallPiece(call), readGoogleSignature(call.extra_content), emit)
    }
  }

  #readLegacy(call: Record<string, unknown>, emit: Emit): void {
    this.#close(emit)
    this.#calls.read('legacy', readCallPiece(call), undefined, emit)
  }
}
