import type { ChatAnswer, Finish } from './answer.js'
import type { Block, Citation } from './blocks.js'
import type { ChatEvent } from './events.js'
import type { Signature } from './signatures.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/** For a choice that is missing although a later one exists. */
const MISSING_FINISH: Finish = { reason: 'stop' }

interface OpenBlock {
  readonly choice: number
  readonly block: Block
  text: string
  signature: Signature | undefined
  readonly citations: Citation[]
}

/** Collects the events of a stream into a whole answer. */
export class AnswerCollector {
  readonly #blocks: (OpenBlock | undefined)[] = []
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
    } else this.#update(event)
  }

  /** The answer so far. */
  get answer(): ChatAnswer {
    const blocks = this.#blocks.flatMap((open) => (open ? [open] : []))
    const choices = Array.from(this.#finishes, (finish = MISSING_FINISH, choice) => ({
      blocks: blocks.filter((open) => open.choice === choice).map(closeBlock),
      finish,
    }))
    return { id: this.#id, model: this.#model, choices, usage: this.#usage, upstreamError: this.#upstreamError }
  }

  #update(event: Extract<ChatEvent, { type: 'delta' | 'mark' | 'stop' }>): void {
    const open = this.#blocks[event.index]
    if (!open) return
    if (event.type === 'delta') open.text += event.text
    if (event.type !== 'mark') return
    if (event.signature) open.signature = event.signature
    if (event.citation) open.citations.push(event.citation)
  }
}

function closeBlock({ block, text, signature, citations }: OpenBlock): Block {
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
