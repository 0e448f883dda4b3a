import type { Block, Citation, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { ChatEvent } from '../../../chat/events.js'
import type { Signature } from '../../../chat/signatures.js'
import type { AnswerContext } from '../../protocol.js'
import { writeCitation } from '../answer/citations.js'
import { carrySignature, isRedacted, writeThinking } from '../answer/signatures.js'
import { DIRECT } from '../answer/write-answer.js'
import { nativeFields } from '../native.js'
import { AFTER_DELTA, beforeDelta, writeRecord } from './record.js'

type Mark = Extract<ChatEvent, { type: 'mark' }>

/** A block of a stream that is on its way out. Each gives the text of its records. */
export interface BlockWriter {
  /** The block's start is written. An empty block is never started. */
  readonly isOpen: boolean
  begin(): string
  delta(text: string): string
  mark(mark: Mark): string
  end(): string
}

/** For a block that opens, under the number that it will have. */
export function createBlockWriter(block: Block, index: number, context: AnswerContext): BlockWriter {
  if (block.type === 'reasoning') return new Thinking(block, index, context.issuer)
  if (block.type === 'tool-call') return new Call(block, index)
  if (block.type === 'text') return new Text(index, block.text, block.citations ?? [])
  return block.type === 'refusal' ? new Text(index, block.text, []) : new Whole(block, index)
}

function writeStart(index: number, content_block: object): string {
  return writeRecord('content_block_start', { index, content_block })
}

function writeStop(index: number): string {
  return writeRecord('content_block_stop', { index })
}

/** Starts the block at its first text: Anthropic refuses empty text blocks in a history. */
class Text implements BlockWriter {
  isOpen = false
  readonly #index: number
  readonly #known: string
  readonly #citations: readonly Citation[]
  readonly #before: string

  constructor(index: number, known: string, citations: readonly Citation[]) {
    this.#index = index
    this.#known = known
    this.#citations = citations
    this.#before = beforeDelta(index, 'text_delta', 'text')
  }

  begin(): string {
    return this.delta(this.#known) + this.#citations.map((citation) => this.#cite(citation)).join('')
  }

  delta(text: string): string {
    if (text === '') return ''
    return this.#start() + this.#before + JSON.stringify(text) + AFTER_DELTA
  }

  mark({ citation }: Mark): string {
    return citation ? this.#cite(citation) : ''
  }

  end(): string {
    return this.isOpen ? writeStop(this.#index) : ''
  }

  #cite(cited: Citation): string {
    const citation = writeCitation(cited)
    if (!citation) return ''
    const delta = { type: 'citations_delta', citation }
    return this.#start() + writeRecord('content_block_delta', { index: this.#index, delta })
  }

  #start(): string {
    if (this.isOpen) return ''
    this.isOpen = true
    return writeStart(this.#index, { type: 'text', text: '' })
  }
}

/** Writes the signature at the end. Starts the block late, since one with only a signature may be redacted thinking. */
class Thinking implements BlockWriter {
  isOpen = false
  readonly #block: ReasoningBlock
  readonly #index: number
  readonly #issuer: string
  readonly #before: string
  #signature: Signature | undefined

  constructor(block: ReasoningBlock, index: number, issuer: string) {
    this.#block = block
    this.#index = index
    this.#issuer = issuer
    this.#signature = block.signature
    this.#before = beforeDelta(index, 'thinking_delta', 'thinking')
  }

  begin(): string {
    return this.delta(this.#block.text)
  }

  delta(text: string): string {
    if (text === '') return ''
    return this.#start() + this.#before + JSON.stringify(text) + AFTER_DELTA
  }

  mark({ signature }: Mark): string {
    this.#signature = signature ?? this.#signature
    return ''
  }

  end(): string {
    const signature = this.#signature
    if (!this.isOpen && !signature) return ''
    if (!this.isOpen && isRedacted(signature)) {
      this.isOpen = true
      const block = writeThinking({ type: 'reasoning', text: '', signature }, this.#issuer)
      return writeStart(this.#index, block) + writeStop(this.#index)
    }
    const delta = { type: 'signature_delta', signature: carrySignature(signature, this.#issuer) }
    const signed = writeRecord('content_block_delta', { index: this.#index, delta })
    return this.#start() + signed + writeStop(this.#index)
  }

  #start(): string {
    if (this.isOpen) return ''
    this.isOpen = true
    return writeStart(this.#index, { type: 'thinking', thinking: '', signature: '' })
  }
}

class Call implements BlockWriter {
  readonly isOpen = true
  readonly #block: ToolCallBlock
  readonly #index: number
  readonly #before: string
  #hasInput = false

  constructor(block: ToolCallBlock, index: number) {
    this.#block = block
    this.#index = index
    this.#before = beforeDelta(index, 'input_json_delta', 'partial_json')
  }

  begin(): string {
    const { id, name, input, native } = this.#block
    const start = writeStart(this.#index, { type: 'tool_use', id, name, input: {}, ...DIRECT, ...nativeFields(native) })
    return start + this.delta(input)
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#hasInput = true
    return this.#before + JSON.stringify(text) + AFTER_DELTA
  }

  mark(): string {
    return ''
  }

  end(): string {
    return (this.#hasInput ? '' : this.delta('{}')) + writeStop(this.#index)
  }
}

/** A native block, which is written whole. */
class Whole implements BlockWriter {
  readonly isOpen = true
  readonly #block: Block
  readonly #index: number

  constructor(block: Block, index: number) {
    this.#block = block
    this.#index = index
  }

  begin(): string {
    const value = this.#block.type === 'foreign' ? this.#block.value : {}
    return writeStart(this.#index, value as object)
  }

  delta(): string {
    return ''
  }

  mark(): string {
    return ''
  }

  end(): string {
    return writeStop(this.#index)
  }
}
