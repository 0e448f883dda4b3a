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
  /** Tool results of a user's content, by the id of the call. */
  readonly results: Map<string, ToolResultBlock>
  /** Whether it has more than tool results. All model content after the last such content belongs to the current turn. */
  hasUserInput: boolean
}

/** Writes the `contents` of a request as JSON text. Roles alternate, and each call has a result. */
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
    if (turn.role === 'assistant') this.#addModel(turn)
    else this.#addUser(turn)
  }

  get text(): string {
    const lastInput = this.#contents.findLastIndex(({ hasUserInput }) => hasUserInput)
    const written = this.#contents.map((content, index) => this.#write(content, index, index > lastInput))
    return `[${written.filter(Boolean).join(',')}]`
  }

  #addUser({ blocks, at = 'turn' }: Turn): void {
    const content = this.#contentFor('user')
    let hasContent = false
    for (const block of blocks) {
      if (block.type === 'reasoning') continue
      hasContent = this.#addUserBlock(block, content) || hasContent
    }
    if (!hasContent && blocks.length > 0) {
      throw new RelayError(
        'invalid_request',
        `${at}: this message has no content that Gemini supports. Send text, images, audio, video or files.`,
        { param: at },
      )
    }
  }

  #addUserBlock(block: Block, content: Content): boolean {
    if (block.type === 'tool-result') {
      content.results.set(block.callId, block)
      return true
    }
    content.hasUserInput = true
    if (block.type === 'text' && block.text === '') return true
    const part = writePart(block, signatureOf(block, this.#options), this.#options)
    if (part !== undefined) content.parts.push(part)
    return part !== undefined
  }

  /** Puts a thought's signature on the block that follows the thought, as Gemini does. */
  #addModel({ blocks }: Turn): void {
    const content = this.#contentFor('model')
    let thought: ReasoningBlock | undefined
    for (const block of blocks) {
      if (block.type === 'reasoning') {
        this.#addThought(thought, true, content)
        thought = signatureOf(block, this.#options) === undefined ? undefined : block
        continue
      }
      if (block.type === 'text' && block.text === '' && !block.signature) continue
      const ownSignature = signatureOf(block, this.#options)
      const signature = thought && ownSignature === undefined ? signatureOf(thought, this.#options) : ownSignature
      this.#addThought(thought, ownSignature !== undefined, content)
      thought = undefined
      this.#addPart(block, signature, content)
    }
    this.#addThought(thought, true, content)
  }

  #addThought(thought: ReasoningBlock | undefined, signed: boolean, { parts }: Content): void {
    if (!thought || (!signed && thought.text === '')) return
    const part = writeThought(thought, signed ? signatureOf(thought, this.#options) : undefined)
    if (part !== undefined) parts.push(part)
  }

  #addPart(block: Block, signature: string | undefined, { parts }: Content): void {
    if (block.type === 'tool-call') {
      parts.push({ block, signature })
      return
    }
    const part = writePart(block, signature, this.#options)
    if (part !== undefined) parts.push(part)
  }

  /** Returns the last content if it has the same role, else a new one. Drops a model content without parts. */
  #contentFor(role: Content['role']): Content {
    const last = this.#contents.at(-1)
    if (last?.role === role) return last
    if (last?.role === 'model' && last.parts.length === 0) {
      this.#contents.pop()
      return this.#contentFor(role)
    }
    const content: Content = { role, parts: [], results: new Map(), hasUserInput: false }
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

  /** Writes one result for each call of the previous content, in order. Other parts follow. */
  #writeUser({ parts, results }: Content, index: number): string[] {
    const previousParts = this.#contents[index - 1]?.parts ?? []
    const written: string[] = []
    const mediaParts: string[] = []
    const unmatched = new Map(results)
    for (const call of previousParts) {
      if (typeof call === 'string') continue
      const { id, name } = call.block
      const result = unmatched.get(id)
      unmatched.delete(id)
      const answer = result && writeResult(result, name, this.#options)
      written.push(answer?.part ?? writeNoResult(id, name))
      for (const part of answer?.mediaParts ?? []) mediaParts.push(part)
    }
    const orphans = [...unmatched.values()].map(writeOrphan)
    return [...written, ...mediaParts, ...orphans, ...(parts as string[])]
  }
}

/** Writes a result without its call as text, because Gemini refuses it as a result. */
function writeOrphan({ name, blocks }: ToolResultBlock): string {
  return JSON.stringify({ text: `[the result of ${name ?? 'a tool'}] ${textOf(blocks)}` })
}
