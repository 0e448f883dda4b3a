import type { MediaBlock } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { isObject } from '../../../lib/values.js'
import { AudioCollector, readAudio } from '../answer/audio.js'
import { messageOf } from '../answer/choices.js'
import { readCitations } from '../answer/citations.js'
import { readFinish } from '../answer/finish-reason.js'
import { readGoogleSignature } from '../answer/google-signatures.js'
import { readImages } from '../answer/images.js'
import { type ReasoningDetail, readDetail, reasoningTextOf, thinkingText } from '../answer/reasoning-details.js'
import { readToolCallDelta } from '../answer/tool-calls.js'
import { type StreamCounters, ToolCallsReader } from './read-tool-calls.js'

type TextKind = 'text' | 'reasoning' | 'refusal'

/**
 * Reads one choice of a stream. Text, reasoning and refusals become one block after another. Blocks of tool calls stay open
 * until the end, because vendors interleave their deltas.
 */
export class ChoiceReader {
  readonly #choice: number
  readonly #counters: StreamCounters
  readonly #calls: ToolCallsReader
  #openKind: TextKind | undefined
  #openIndex = -1
  /** All text of the choice, because positions of citations refer to it. */
  #text = ''
  /** Where the open block starts in that text. */
  #openStart = 0
  /** Reasoning since the last signature. */
  #reasoning = ''
  /** The key of the last detail with text. */
  #detailKey: string | undefined
  #hasRefusal = false
  #audio: AudioCollector | undefined
  isFinished = false

  constructor(choice: number, counters: StreamCounters) {
    this.#choice = choice
    this.#counters = counters
    this.#calls = new ToolCallsReader(choice, counters)
  }

  read(choice: Record<string, unknown>, emit: Emit): void {
    if (this.isFinished) return
    const delta = messageOf(choice)
    if (delta) this.#readDelta(delta, emit)
    if (choice.finish_reason) this.finish(choice.finish_reason, emit)
  }

  /** Closes all open blocks. An undefined `finish_reason` counts as `stop`. */
  finish(finishReason: unknown, emit: Emit): void {
    if (this.isFinished) return
    this.isFinished = true
    this.#closeBlock(emit)
    for (const block of readAudio(this.#audio?.audio)) this.#addMedia(block, emit)
    this.#calls.close(emit)
    emit({
      type: 'finish',
      choice: this.#choice,
      finish: readFinish(finishReason, this.#calls.hasCalls, this.#hasRefusal),
    })
  }

  #readDelta(delta: Record<string, unknown>, emit: Emit): void {
    const { content } = delta
    const reasoning = reasoningTextOf(delta)
    if (Array.isArray(delta.reasoning_details))
      this.#readDetails(delta.reasoning_details.map(readDetail), reasoning, emit)
    else if (reasoning) this.#addText('reasoning', reasoning, emit)
    if (typeof content === 'string') this.#addText('text', content, emit)
    else if (Array.isArray(content)) this.#readParts(content, emit)
    if (delta.annotations) this.#addCitations(delta.annotations, emit)
    if (delta.extra_content) this.#addSignature(delta.extra_content, emit)
    if (typeof delta.refusal === 'string') this.#addText('refusal', delta.refusal, emit)
    if (delta.images) for (const image of readImages(delta)) this.#addMedia(image, emit)
    if (isObject(delta.audio)) {
      this.#audio ??= new AudioCollector()
      this.#audio.push(delta.audio)
    }
    if (Array.isArray(delta.tool_calls)) this.#readToolCalls(delta.tool_calls, emit)
    if (isObject(delta.function_call)) this.#readFunctionCall(delta.function_call, emit)
  }

  #addText(kind: TextKind, text: string, emit: Emit): void {
    if (text === '') return
    this.#openBlock(kind, emit)
    if (kind === 'text') this.#text += text
    else if (kind === 'reasoning') this.#reasoning += text
    else this.#hasRefusal = true
    emit({ type: 'delta', index: this.#openIndex, text })
  }

  #openBlock(kind: TextKind, emit: Emit): void {
    if (this.#openKind === kind) return
    this.#closeBlock(emit)
    this.#openKind = kind
    this.#openIndex = this.#counters.blocks++
    this.#openStart = this.#text.length
    emit({ type: 'block', index: this.#openIndex, choice: this.#choice, block: { type: kind, text: '' } })
  }

  #closeBlock(emit: Emit): void {
    if (this.#openKind === undefined) return
    this.#openKind = undefined
    emit({ type: 'stop', index: this.#openIndex })
  }

  /**
   * Details repeat the reasoning text beside them. Emits it once: from the details, where they start the reasoning or match
   * its beginning.
   */
  #readDetails(details: readonly (ReasoningDetail | undefined)[], reasoning: string, emit: Emit): void {
    const detailsText = details.map((detail) => detail?.text ?? '').join('')
    const usesDetails = detailsText !== '' && (this.#reasoning === '' || reasoning.startsWith(detailsText))
    if (!usesDetails) this.#addText('reasoning', reasoning, emit)
    for (const detail of details) if (detail) this.#readDetail(detail, reasoning !== '' && !usesDetails, emit)
    if (usesDetails && reasoning.startsWith(detailsText))
      this.#addText('reasoning', reasoning.slice(detailsText.length), emit)
  }

  /** A signature covers the text of its detail, or all reasoning since the last signature. */
  #readDetail({ text, signature, isEncrypted, key }: ReasoningDetail, isTextEmitted: boolean, emit: Emit): void {
    if (text !== '' && key !== this.#detailKey) {
      if (this.#detailKey !== undefined && this.#openKind === 'reasoning') this.#closeBlock(emit)
      this.#detailKey = key
    }
    const isRepeat = isTextEmitted || (signature !== undefined && this.#reasoning.endsWith(text))
    if (!isRepeat) this.#addText('reasoning', text, emit)
    if (!signature) return
    if (isEncrypted) this.#closeBlock(emit)
    this.#openBlock('reasoning', emit)
    emit({ type: 'mark', index: this.#openIndex, signature })
    this.#closeBlock(emit)
    this.#reasoning = ''
  }

  #readParts(parts: readonly unknown[], emit: Emit): void {
    for (const part of parts) {
      if (!isObject(part)) continue
      if (part.type === 'thinking') this.#addText('reasoning', thinkingText(part.thinking), emit)
      else if (part.type === 'image_url')
        for (const image of readImages({ images: [part] })) this.#addMedia(image, emit)
      else if (typeof part.refusal === 'string') this.#addText('refusal', part.refusal, emit)
      else if (typeof part.text === 'string') this.#addText('text', part.text, emit)
    }
  }

  #addCitations(annotations: unknown, emit: Emit): void {
    const blockStart = this.#openKind === 'text' ? this.#openStart : this.#text.length
    for (const citation of readCitations(annotations, this.#text, blockStart)) {
      this.#openBlock('text', emit)
      emit({ type: 'mark', index: this.#openIndex, citation })
    }
  }

  /** Adds Google's signature of a text. The text may be empty. */
  #addSignature(extra: unknown, emit: Emit): void {
    const signature = readGoogleSignature(extra)
    if (!signature) return
    this.#openBlock('text', emit)
    emit({ type: 'mark', index: this.#openIndex, signature })
  }

  #addMedia(block: MediaBlock, emit: Emit): void {
    this.#closeBlock(emit)
    const index = this.#counters.blocks++
    emit({ type: 'block', index, choice: this.#choice, block })
    emit({ type: 'stop', index })
  }

  #readToolCalls(calls: readonly unknown[], emit: Emit): void {
    for (const call of calls) {
      if (!isObject(call)) continue
      this.#closeBlock(emit)
      this.#calls.read(call.index, readToolCallDelta(call), readGoogleSignature(call.extra_content), emit)
    }
  }

  #readFunctionCall(call: Record<string, unknown>, emit: Emit): void {
    this.#closeBlock(emit)
    this.#calls.read('function_call', readToolCallDelta(call), undefined, emit)
  }
}
