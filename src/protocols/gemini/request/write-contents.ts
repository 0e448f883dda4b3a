import type { Block, ReasoningBlock, ToolCallBlock, ToolResultBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { SKIP_VALIDATION } from '../signatures.js'
import { signatureOf, writeCall, writePart, writeThought } from './write-part.js'
import { textOf, writeNoResult, writeResult } from './write-tool-results.js'

/** A call to write after all turns are known, because they decide whether it needs a signature. */
interface Call {
  readonly block: ToolCallBlock
  readonly signature: string | undefined
}

interface Content {
  readonly role: 'user' | 'model'
  readonly parts: (string | Call)[]
  /** Of a user's content, by the id of the call. */
  readonly results: Map<string, ToolResultBlock>
  /** Has a user's own content. All model content after it belongs to the current turn. */
  asks: boolean
}

/** The `contents` of a request, as JSON text: one content a side, turn by turn, each call with its result. */
export function writeContents(turns: readonly Turn[], options: WriteOptions): string {
  const contents = new Contents(options)
  for (const turn of turns) contents.add(turn)
  return contents.text
}

class Contents {
  readonly #options: WriteOptions
  readonly #contents: Content[] = []

  constructor(options: WriteOptions) {
    this.#options = options
  }

  add(turn: Turn): void {
    const { losses } = this.#options
    if (turn.name !== undefined) losses.noEquivalent(`${turn.at ?? 'turn'}.name`)
    if (turn.role === 'assistant') this.#answer(turn)
    else this.#ask(turn)
  }

  get text(): string {
    const sinceAsked = this.#contents.findLastIndex(({ asks }) => asks)
    const written = this.#contents.map((content, index) => this.#write(content, index, index > sinceAsked))
    return `[${written.filter(Boolean).join(',')}]`
  }

  #ask({ blocks, at = 'turn' }: Turn): void {
    const content = this.#content('user')
    let said = false
    for (const block of blocks) {
      if (block.type === 'reasoning') continue
      said = this.#put(block, content) || said
    }
    if (!said && blocks.length > 0) {
      throw new RelayError('invalid_request', `${at}: nothing of it can be said in gemini.`, { param: at })
    }
  }

  #put(block: Block, content: Content): boolean {
    if (block.type === 'tool-result') {
      content.results.set(block.callId, block)
      return true
    }
    content.asks = true
    if (block.type === 'text' && block.text === '') return true
    const part = writePart(block, signatureOf(block, this.#options), this.#options)
    if (part !== undefined) content.parts.push(part)
    return part !== undefined
  }

  /** Puts a thought's signature on the block that follows the thought, as Gemini does. */
  #answer({ blocks }: Turn): void {
    const content = this.#content('model')
    let thought: ReasoningBlock | undefined
    for (const block of blocks) {
      if (block.type === 'reasoning') {
        this.#think(thought, true, content)
        thought = signatureOf(block, this.#options) === undefined ? undefined : block
        continue
      }
      if (block.type === 'text' && block.text === '' && !block.signature) continue
      const own = signatureOf(block, this.#options)
      const passed = thought && own === undefined ? signatureOf(thought, this.#options) : own
      this.#think(thought, own !== undefined, content)
      thought = undefined
      this.#say(block, passed, content)
    }
    this.#think(thought, true, content)
  }

  #think(thought: ReasoningBlock | undefined, signed: boolean, { parts }: Content): void {
    if (!thought || (!signed && thought.text === '')) return
    const part = writeThought(thought, signed ? signatureOf(thought, this.#options) : undefined)
    if (part !== undefined) parts.push(part)
  }

  #say(block: Block, signature: string | undefined, { parts }: Content): void {
    if (block.type === 'tool-call') {
      parts.push({ block, signature })
      return
    }
    const part = writePart(block, signature, this.#options)
    if (part !== undefined) parts.push(part)
  }

  /** The last content if it has the same role, else a new one. Drops a model content without parts. */
  #content(role: Content['role']): Content {
    const last = this.#contents.at(-1)
    if (last?.role === role) return last
    if (last?.role === 'model' && last.parts.length === 0) {
      this.#contents.pop()
      return this.#content(role)
    }
    const content: Content = { role, parts: [], results: new Map(), asks: false }
    this.#contents.push(content)
    return content
  }

  #write(content: Content, index: number, isCurrent: boolean): string {
    const parts = content.role === 'model' ? this.#writeModel(content, isCurrent) : this.#writeUser(content, index)
    if (parts.length === 0 && content.role === 'user') parts.push('{"text":""}')
    return parts.length === 0 ? '' : `{"role":"${content.role}","parts":[${parts.join(',')}]}`
  }

  #writeModel({ parts }: Content, isCurrent: boolean): string[] {
    let needsSignature = isCurrent && this.#options.dialect.requiresSignatures === true
    return parts.map((part) => {
      if (typeof part === 'string') return part
      const signature = part.signature ?? (needsSignature ? SKIP_VALIDATION : undefined)
      needsSignature = false
      return writeCall(part.block, signature)
    })
  }

  /** Results first, as many as there were calls and in their order; then what else there is. */
  #writeUser({ parts, results }: Content, index: number): string[] {
    const before = this.#contents[index - 1]?.parts ?? []
    const written: string[] = []
    const beside: string[] = []
    const left = new Map(results)
    for (const call of before) {
      if (typeof call === 'string') continue
      const { id, name } = call.block
      const result = left.get(id)
      left.delete(id)
      const answer = result && writeResult(result, name, this.#options)
      written.push(answer?.part ?? writeNoResult(id, name))
      for (const part of answer?.beside ?? []) beside.push(part)
    }
    const orphans = [...left.values()].map(writeOrphan)
    return [...written, ...beside, ...orphans, ...(parts as string[])]
  }
}

/** Writes a result without its call as text, because Gemini refuses it as a result. */
function writeOrphan({ name, blocks }: ToolResultBlock): string {
  return JSON.stringify({ text: `[the result of ${name ?? 'a tool'}] ${textOf(blocks)}` })
}
