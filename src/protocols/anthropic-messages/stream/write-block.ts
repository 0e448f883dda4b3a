import type { Block, Citation, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { ChatEvent } from '../../../chat/events.js'
import type { Signature } from '../../../chat/signatures.js'
import type { AnswerContext } from '../../protocol.js'
import { writeCitation } from '../answer/citations.js'
import { isRedacted, writeSignature, writeThinking } from '../answer/signatures.js'
import { DIRECT } from '../answer/write-answer.js'
import { nativeFields } from '../native.js'
import { DELTA_SUFFIX, deltaPrefix, writeRecord } from './record.js'

type Mark = Extract<ChatEvent, { type: 'mark' }>

/** Writes one block of a stream. Each method returns the text of its records. */
export interface BlockWriter {
  /** The block's start is written. An empty block never starts. */
  readonly isOpen: boolean
  begin(): string
  delta(text: string): string
  mark(mark: Mark): string
  end(): string
}

/** Creates the writer for a block. `index` is the block's number in the message. */
export function createBlockWriter(block: Block, index: number, context: AnswerContext): BlockWriter {
  if (block.type === 'reasoning') return new ThinkingBlockWriter(block, index, context.issuer)
  if (block.type === 'tool-call') return new ToolUseBlockWriter(block, index)
  if (block.type === 'text') return new TextBlockWriter(index, block.text, block.citations ?? [])
  return block.type === 'refusal' ? new TextBlockWriter(index, block.text, []) : new NativeBlockWriter(block, index)
}

function writeStart(index: number, content_block: object): string {
  return writeRecord('content_block_start', { index, content_block })
}

function writeStop(index: number): string {
  return writeRecord('content_block_stop', { index })
}

/** Starts the block at its first text: Anthropic refuses empty text blocks in a history. */
class TextBlockWriter implements BlockWriter {
  isOpen = false
  readonly #index: number
  readonly #initialText: string
  readonly #citations: readonly Citation[]
  readonly #deltaPrefix: string

  constructor(index: number, initialText: string, citations: readonly Citation[]) {
    this.#index = index
    this.#initialText = initialText
    this.#citations = citations
    this.#deltaPrefix = deltaPrefix(index, 'text_delta', 'text')
  }

  begin(): string {
    return this.delta(this.#initialText) + this.#citations.map((citation) => this.#writeCitation(citation)).join('')
  }

  delta(text: string): string {
    if (text === '') return ''
    return this.#start() + this.#deltaPrefix + JSON.stringify(text) + DELTA_SUFFIX
  }

  mark({ citation }: Mark): string {
    return citation ? this.#writeCitation(citation) : ''
  }

  end(): string {
    return this.isOpen ? writeStop(this.#index) : ''
  }

  #writeCitation(value: Citation): string {
    const citation = writeCitation(value)
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

/** Writes the signature last. Starts the block at its first text: without text, it may be redacted thinking. */
class ThinkingBlockWriter implements BlockWriter {
  isOpen = false
  readonly #block: ReasoningBlock
  readonly #index: number
  readonly #issuer: string
  readonly #deltaPrefix: string
  #signature: Signature | undefined

  constructor(block: ReasoningBlock, index: number, issuer: string) {
    this.#block = block
    this.#index = index
    this.#issuer = issuer
    this.#signature = block.signature
    this.#deltaPrefix = deltaPrefix(index, 'thinking_delta', 'thinking')
  }

  begin(): string {
    return this.delta(this.#block.text)
  }

  delta(text: string): string {
    if (text === '') return ''
    return this.#start() + this.#deltaPrefix + JSON.stringify(text) + DELTA_SUFFIX
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
    const delta = { type: 'signature_delta', signature: writeSignature(signature, this.#issuer) }
    const signatureDelta = writeRecord('content_block_delta', { index: this.#index, delta })
    return this.#start() + signatureDelta + writeStop(this.#index)
  }

  #start(): string {
    if (this.isOpen) return ''
    this.isOpen = true
    return writeStart(this.#index, { type: 'thinking', thinking: '', signature: '' })
  }
}

class ToolUseBlockWriter implements BlockWriter {
  readonly isOpen = true
  readonly #block: ToolCallBlock
  readonly #index: number
  readonly #deltaPrefix: string
  #hasInput = false

  constructor(block: ToolCallBlock, index: number) {
    this.#block = block
    this.#index = index
    this.#deltaPrefix = deltaPrefix(index, 'input_json_delta', 'partial_json')
  }

  begin(): string {
    const { id, name, input, native } = this.#block
    const start = writeStart(this.#index, { type: 'tool_use', id, name, input: {}, ...DIRECT, ...nativeFields(native) })
    return start + this.delta(input)
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#hasInput = true
    return this.#deltaPrefix + JSON.stringify(text) + DELTA_SUFFIX
  }

  mark(): string {
    return ''
  }

  end(): string {
    return (this.#hasInput ? '' : this.delta('{}')) + writeStop(this.#index)
  }
}

/** Writes a native block whole, in its start record. */
class NativeBlockWriter implements BlockWriter {
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
