import type { Block, Citation, MediaBlock } from '../../../chat/blocks.js'
import type { Signature } from '../../../chat/signatures.js'
import type { AnswerContext } from '../../protocol.js'
import { writeAudio } from '../answer/audio.js'
import { writeCitations } from '../answer/citations.js'
import { writeClientSignature } from '../answer/google-signatures.js'
import { writeImage } from '../answer/images.js'
import { writeDetail } from '../answer/reasoning-details.js'
import { type BlockWriter, type ChoiceState, deltaRecord, type Mark } from './block-writer.js'
import { createCallWriter } from './write-tool-calls.js'

/** Creates the writer of a block. Undefined, with a loss at `path`, for a block without an equivalent. */
export function createBlockWriter(
  block: Block,
  choice: ChoiceState,
  path: string,
  context: AnswerContext,
): BlockWriter | undefined {
  if (block.type === 'text') return new TextWriter(choice, block.signature, path, context)
  if (block.type === 'reasoning') return new ReasoningWriter(choice, block.signature, context)
  if (block.type === 'refusal') return new RefusalWriter(choice)
  if (block.type === 'tool-call') return createCallWriter(block, choice, path, context)
  const fields = block.type === 'media' ? mediaFields(block, context) : undefined
  if (fields) return new MediaWriter(choice, fields)
  context.losses.noEquivalent(path)
  return undefined
}

function mediaFields(block: MediaBlock, context: AnswerContext): object | undefined {
  const image = writeImage(block)
  if (image) return { images: [image] }
  const audio = block.kind === 'audio' ? writeAudio(block, context) : undefined
  return audio && { audio }
}

/** Writes an image or audio as one record. */
class MediaWriter implements BlockWriter {
  readonly #record: string

  constructor(choice: ChoiceState, fields: object) {
    this.#record = deltaRecord(choice, fields)
  }

  begin = (): string => this.#record
  delta = (): string => ''
  mark = (): string => ''
  stop = (): string => ''
}

/** Writes text. Citations follow at the end of the block, with positions in the whole text of the choice. */
class TextWriter implements BlockWriter {
  readonly #choice: ChoiceState
  readonly #head: string
  readonly #start: number
  readonly #citations: Citation[] = []
  readonly #path: string
  readonly #context: AnswerContext
  #signature: Signature | undefined

  constructor(choice: ChoiceState, signature: Signature | undefined, path: string, context: AnswerContext) {
    this.#choice = choice
    this.#head = `${choice.head}"content":`
    this.#start = choice.text.length
    this.#signature = signature
    this.#path = path
    this.#context = context
  }

  begin(): string {
    return ''
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#choice.text += text
    return this.#head + JSON.stringify(text) + this.#choice.tail
  }

  mark({ citation, signature }: Mark): string {
    if (citation) this.#citations.push(citation)
    if (signature) this.#signature = signature
    return ''
  }

  stop(): string {
    const { issuer, losses } = this.#context
    const fields: Record<string, unknown> = {}
    const { text } = this.#choice
    const annotations = writeCitations(this.#citations, { text: text.slice(this.#start) }, text, this.#start)
    if (annotations.length < this.#citations.length) losses.noEquivalent(`${this.#path}.citations`)
    if (annotations.length > 0) fields.annotations = annotations
    if (this.#signature?.value) fields.extra_content = writeClientSignature(this.#signature, issuer)
    return Object.keys(fields).length > 0 ? deltaRecord(this.#choice, fields) : ''
  }
}

/** Writes reasoning. A signature follows at the end of the block. */
class ReasoningWriter implements BlockWriter {
  readonly #choice: ChoiceState
  readonly #head: string
  readonly #context: AnswerContext
  #signature: Signature | undefined

  constructor(choice: ChoiceState, signature: Signature | undefined, context: AnswerContext) {
    this.#choice = choice
    this.#head = `${choice.head}"reasoning_content":`
    this.#signature = signature
    this.#context = context
  }

  begin(): string {
    return ''
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#choice.reasoning += text
    return this.#head + JSON.stringify(text) + this.#choice.tail
  }

  mark({ signature }: Mark): string {
    if (signature) this.#signature = signature
    return ''
  }

  /** Writes the signature with all text that it covers, because clients send back what they received. */
  stop(): string {
    if (!this.#signature?.value) return ''
    const choice = this.#choice
    const detail = writeDetail(choice.reasoning, this.#signature, choice.details++, this.#context.issuer)
    choice.reasoning = ''
    return deltaRecord(choice, { reasoning_details: [detail] })
  }
}

class RefusalWriter implements BlockWriter {
  readonly #choice: ChoiceState

  constructor(choice: ChoiceState) {
    this.#choice = choice
  }

  begin = (): string => ''
  mark = (): string => ''
  stop = (): string => ''

  delta(text: string): string {
    if (text === '') return ''
    this.#choice.hasRefusal = true
    return `${this.#choice.head}"refusal":${JSON.stringify(text)}${this.#choice.tail}`
  }
}
