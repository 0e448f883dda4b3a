import type { ChatAnswer, Finish } from './answer.js'
import type { Block, Citation } from './blocks.js'
import type { ChatEvent } from './events.js'
import type { Signature } from './signatures.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/** Of a choice that never came, where a later one did. */
const UNTOLD: Finish = { reason: 'stop' }

interface Growing {
  readonly choice: number
  readonly block: Block
  text: string
  signature: Signature | undefined
  readonly citations: Citation[]
}

/** A streamed answer, whole. */
export class AnswerCollector {
  readonly #blocks: (Growing | undefined)[] = []
  readonly #finishes: (Finish | undefined)[] = []
  #id: string | undefined
  #model: string | undefined
  #usage: Usage | undefined
  #upstreamError: UpstreamError | undefined

  push(event: ChatEvent): void {
    if (event.type === 'start') {
      this.#id = event.id
      this.#model = event.model
    } else if (event.type === 'usage') this.#usage = event.usage
    else if (event.type === 'error') this.#upstreamError = event.upstreamError
    else if (event.type === 'finish') this.#finishes[event.choice] = event.finish
    else if (event.type === 'block') {
      const { index, choice, block } = event
      this.#blocks[index] = { choice, block, text: '', signature: undefined, citations: [] }
    } else this.#grow(event)
  }

  /** All that has come. */
  get answer(): ChatAnswer {
    const blocks = this.#blocks.flatMap((growing) => (growing ? [growing] : []))
    const choices = Array.from(this.#finishes, (finish = UNTOLD, choice) => ({
      blocks: blocks.filter((growing) => growing.choice === choice).map(grown),
      finish,
    }))
    return { id: this.#id, model: this.#model, choices, usage: this.#usage, upstreamError: this.#upstreamError }
  }

  #grow(event: Extract<ChatEvent, { type: 'delta' | 'mark' | 'stop' }>): void {
    const growing = this.#blocks[event.index]
    if (!growing) return
    if (event.type === 'delta') growing.text += event.text
    if (event.type !== 'mark') return
    if (event.signature) growing.signature = event.signature
    if (event.citation) growing.citations.push(event.citation)
  }
}

function grown({ block, text, signature, citations }: Growing): Block {
  if (block.type === 'text') {
    const signed = signature ?? block.signature
    const cited = citations.length > 0 ? citations : block.citations
    return { ...block, text: block.text + text, signature: signed, citations: cited }
  }
  if (block.type === 'refusal') return { ...block, text: block.text + text }
  if (block.type === 'reasoning') {
    return { ...block, text: block.text + text, signature: signature ?? block.signature }
  }
  if (block.type === 'tool-call') {
    return { ...block, input: block.input + text, signature: signature ?? block.signature }
  }
  return block
}
