import type { Block } from '../../../chat/blocks.js'
import type { Emit } from '../../../chat/events.js'
import { isObject, parseJson } from '../../../lib/values.js'
import { readBlock, readCallHead } from '../answer/blocks.js'
import { readCitation, readCitations } from '../answer/citations.js'
import { readThinkingSignature } from '../answer/signatures.js'

type Fields = Readonly<Record<string, unknown>>
type Open = (block: Block, emit: Emit) => number

/** Reads one block of a stream. */
export interface BlockReader {
  begin(open: Open, emit: Emit): void
  delta(delta: Fields, open: Open, emit: Emit): void
  end(open: Open, emit: Emit): void
}

/** Creates the reader for a block. `callId` is the id for a call that has none. */
export function createBlockReader(block: Fields, callId: string): BlockReader {
  if (block.type === 'text' || block.type === 'thinking') return new TextReader(block)
  return block.type === 'tool_use' ? new ToolCallReader(block, callId) : new NativeBlockReader(block)
}

/** Reads text or thinking. Opens the block at the first text, citation or signature. */
class TextReader implements BlockReader {
  readonly #block: Fields
  #index = -1

  constructor(block: Fields) {
    this.#block = block
  }

  begin(open: Open, emit: Emit): void {
    const { text, thinking, signature, citations } = this.#block
    this.#emitText(text, open, emit)
    this.#emitText(thinking, open, emit)
    this.#emitSignature(signature, open, emit)
    for (const citation of readCitations(citations) ?? [])
      emit({ type: 'mark', index: this.#open(open, emit), citation })
  }

  delta(delta: Fields, open: Open, emit: Emit): void {
    const { type } = delta
    if (type === 'text_delta') this.#emitText(delta.text, open, emit)
    else if (type === 'thinking_delta') this.#emitText(delta.thinking, open, emit)
    else if (type === 'signature_delta') this.#emitSignature(delta.signature, open, emit)
    else if (type === 'citations_delta') {
      const citation = readCitation(delta.citation)
      if (citation) emit({ type: 'mark', index: this.#open(open, emit), citation })
    }
  }

  end(_open: Open, emit: Emit): void {
    if (this.#index >= 0) emit({ type: 'stop', index: this.#index })
  }

  #emitText(text: unknown, open: Open, emit: Emit): void {
    if (typeof text === 'string' && text !== '') emit({ type: 'delta', index: this.#open(open, emit), text })
  }

  #emitSignature(value: unknown, open: Open, emit: Emit): void {
    if (this.#block.type !== 'thinking') return
    const signature = readThinkingSignature(value)
    if (signature) emit({ type: 'mark', index: this.#open(open, emit), signature })
  }

  #open(open: Open, emit: Emit): number {
    if (this.#index < 0)
      this.#index = open({ type: this.#block.type === 'text' ? 'text' : 'reasoning', text: '' }, emit)
    return this.#index
  }
}

/** Reads a call of one of the client's tools. */
class ToolCallReader implements BlockReader {
  readonly #block: Fields
  readonly #callId: string
  #index = -1
  #hasInput = false

  constructor(block: Fields, callId: string) {
    this.#block = block
    this.#callId = callId
  }

  begin(open: Open, emit: Emit): void {
    const head = readCallHead(this.#block)
    this.#index = open({ ...head, id: head.id || this.#callId }, emit)
  }

  delta({ partial_json: text }: Fields, _open: Open, emit: Emit): void {
    if (typeof text !== 'string' || text === '') return
    this.#hasInput = true
    emit({ type: 'delta', index: this.#index, text })
  }

  end(_open: Open, emit: Emit): void {
    const { input } = this.#block
    // Some upstreams send the whole input at the start. A call without input has an empty one.
    if (!this.#hasInput) emit({ type: 'delta', index: this.#index, text: JSON.stringify(input ?? {}) })
    emit({ type: 'stop', index: this.#index })
  }
}

/** Reads any other block as native. Emits it when it is complete. */
class NativeBlockReader implements BlockReader {
  readonly #block: Record<string, unknown>
  #citations: unknown[] | undefined
  #json = ''

  constructor(block: Fields) {
    this.#block = { ...block }
  }

  begin(): void {}

  delta({ type: _type, partial_json: json, citation, ...fields }: Fields): void {
    if (typeof json === 'string') this.#json += json
    if (isObject(citation)) {
      this.#citations ??= [...listOf(this.#block.citations)]
      this.#citations.push(citation)
    }
    for (const [name, value] of Object.entries(fields)) {
      const before = this.#block[name]
      this.#block[name] = typeof before === 'string' && typeof value === 'string' ? before + value : value
    }
  }

  end(open: Open, emit: Emit): void {
    if (this.#citations) this.#block.citations = this.#citations
    if (this.#json !== '') this.#block.input = parseJson(this.#json) ?? this.#json
    emit({ type: 'stop', index: open(readBlock(this.#block), emit) })
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}
