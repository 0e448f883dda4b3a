import type { Block, Citation, MediaBlock } from '../../chat/blocks.js'
import type { Signature } from '../../chat/signatures.js'
import type { AnswerContext } from '../protocol.js'
import { writeAudio } from './audio.js'
import { writeCitations } from './citations.js'
import { signedCall } from './google.js'
import { type ChoiceState, type Mark, type OpenBlock, record } from './open-block.js'
import { writeDetail } from './reasoning.js'
import { imageOf } from './write-answer.js'
import { openCall } from './write-calls.js'

/** The writer of a block; undefined, and a loss, for one that this language has no word for. */
export function openBlock(
  block: Block,
  choice: ChoiceState,
  at: string,
  answering: AnswerContext,
): OpenBlock | undefined {
  if (block.type === 'text') return new OpenText(choice, block.signature, at, answering)
  if (block.type === 'reasoning') return new OpenReasoning(choice, block.signature, answering)
  if (block.type === 'refusal') return new OpenRefusal(choice)
  if (block.type === 'tool-call') return openCall(block, choice, at, answering)
  const fields = block.type === 'media' ? mediaOf(block, answering) : undefined
  if (fields) return new Whole(choice, fields)
  answering.losses.noEquivalent(at)
  return undefined
}

function mediaOf(block: MediaBlock, answering: AnswerContext): object | undefined {
  const image = imageOf(block)
  if (image) return { images: [image] }
  const audio = block.kind === 'audio' ? writeAudio(block, answering) : undefined
  return audio && { audio }
}

class Whole implements OpenBlock {
  readonly #record: string

  constructor(choice: ChoiceState, fields: object) {
    this.#record = record(choice, fields)
  }

  begin = (): string => this.#record
  delta = (): string => ''
  mark = (): string => ''
  stop = (): string => ''
}

/** Text; what it cites is told once it is whole, with places in all of the choice's text. */
class OpenText implements OpenBlock {
  readonly #choice: ChoiceState
  readonly #head: string
  readonly #start: number
  readonly #citations: Citation[] = []
  readonly #at: string
  readonly #answering: AnswerContext
  #signature: Signature | undefined

  constructor(choice: ChoiceState, signature: Signature | undefined, at: string, answering: AnswerContext) {
    this.#choice = choice
    this.#head = `${choice.head}"content":`
    this.#start = choice.text.length
    this.#signature = signature
    this.#at = at
    this.#answering = answering
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
    const { issuer, losses } = this.#answering
    const fields: Record<string, unknown> = {}
    const { text } = this.#choice
    const annotations = writeCitations(this.#citations, { text: text.slice(this.#start) }, text, this.#start)
    if (annotations.length < this.#citations.length) losses.noEquivalent(`${this.#at}.citations`)
    if (annotations.length > 0) fields.annotations = annotations
    if (this.#signature?.value) fields.extra_content = signedCall(this.#signature, issuer)
    return Object.keys(fields).length > 0 ? record(this.#choice, fields) : ''
  }
}

class OpenReasoning implements OpenBlock {
  readonly #choice: ChoiceState
  readonly #head: string
  readonly #answering: AnswerContext
  #signature: Signature | undefined

  constructor(choice: ChoiceState, signature: Signature | undefined, answering: AnswerContext) {
    this.#choice = choice
    this.#head = `${choice.head}"reasoning_content":`
    this.#signature = signature
    this.#answering = answering
  }

  begin(): string {
    return ''
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#choice.thought += text
    return this.#head + JSON.stringify(text) + this.#choice.tail
  }

  mark({ signature }: Mark): string {
    if (signature) this.#signature = signature
    return ''
  }

  /** A signature is told with all that it is for: clients bring back what they are given. */
  stop(): string {
    if (!this.#signature?.value) return ''
    const choice = this.#choice
    const detail = writeDetail(choice.thought, this.#signature, choice.details++, this.#answering.issuer)
    choice.thought = ''
    return record(choice, { reasoning_details: [detail] })
  }
}

class OpenRefusal implements OpenBlock {
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
