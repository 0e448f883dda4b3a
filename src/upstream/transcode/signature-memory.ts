import type { ChatAnswer } from '../../chat/answer.js'
import type { Block, ReasoningBlock, ToolCallBlock } from '../../chat/blocks.js'
import type { ChatEvent, Emit } from '../../chat/events.js'
import type { ChatRequest, Turn } from '../../chat/request.js'
import type { Signature } from '../../chat/signatures.js'
import { hashText } from '../../lib/hash.js'
import { isTooDeep } from '../../lib/json.js'
import { parseJson } from '../../lib/values.js'
import { MemoryStore } from '../../stores/memory.js'

/** What an answer had around its tool calls, and the provider wants back. */
interface Kept {
  /** The thoughts that led to the call. */
  readonly reasoning: readonly ReasoningBlock[]
  readonly signature: Signature | undefined
}

const BOUNDS = { maxBytes: 32 * 1024 * 1024, ms: 60 * 60 * 1000 }

/**
 * Remembers the signatures of answers by their tool calls. Most clients have no place for another language's: when they
 * come back with the tool's result, what they have dropped is put where it was. No tenant sees another's.
 */
export class SignatureMemory {
  readonly #kept = new MemoryStore<Kept>(BOUNDS, sizeOf)

  /** After a whole answer. */
  keep({ choices }: ChatAnswer, tenant: string, issuer: string): void {
    for (const { blocks } of choices) {
      const keeper = new Keeper(issuer)
      for (const block of blocks) keeper.add(block)
      this.#store(keeper, tenant)
    }
  }

  /** Along a streamed one. */
  watch(emit: Emit, tenant: string, issuer: string): Emit {
    /** By choice, and by block of each. */
    const keepers: Keeper[] = []
    const keeperOf: Keeper[] = []
    return (event) => {
      emit(event)
      if (event.type === 'block') {
        keepers[event.choice] ??= new Keeper(issuer)
        keeperOf[event.index] = keepers[event.choice] as Keeper
      }
      if ('index' in event) keeperOf[event.index]?.hear(event)
      if (event.type === 'finish' && keepers[event.choice]) this.#store(keepers[event.choice] as Keeper, tenant)
    }
  }

  /** The conversation with what its client has dropped. */
  restore(request: ChatRequest, tenant: string): ChatRequest {
    if (this.#kept.isEmpty) return request
    let changed = false
    const turns = request.turns.map((turn) => {
      const restored = turn.role === 'assistant' ? this.#restoreTurn(turn, tenant) : turn
      if (restored !== turn) changed = true
      return restored
    })
    return changed ? { ...request, turns } : request
  }

  #restoreTurn(turn: Turn, tenant: string): Turn {
    const calls = turn.blocks.flatMap((block) => (block.type === 'tool-call' ? [block] : []))
    const kept = new Map<Block, Kept>()
    for (const call of calls) {
      const found = this.#kept.get(tenant, keyOf(call))
      if (found) kept.set(call, found)
    }
    if (kept.size === 0) return turn
    // Thoughts that have lost their signature on the way give way to those that have it.
    const areSigned = [...kept.values()].some(({ reasoning }) => reasoning.some(({ signature }) => signature))
    const hasThoughts = turn.blocks.some((block) => block.type === 'reasoning' && (block.signature || !areSigned))
    const [first] = calls
    const blocks = turn.blocks.flatMap((block): Block[] => {
      if (block.type === 'reasoning' && !hasThoughts) return []
      const { reasoning = [], signature } = kept.get(block) ?? {}
      const signed = block.type === 'tool-call' && !block.signature && signature ? { ...block, signature } : block
      return hasThoughts || block === first ? [signed] : [...reasoning, signed]
    })
    // What led to the first call came before anything was said.
    const before = hasThoughts || !first ? [] : (kept.get(first)?.reasoning ?? [])
    return { ...turn, blocks: [...before, ...blocks] }
  }

  #store({ calls }: Keeper, tenant: string): void {
    for (const [key, kept] of calls) {
      if (kept.signature || kept.reasoning.length > 0) this.#kept.set(tenant, key, kept)
    }
    calls.clear()
  }
}

/** Gathers what is to be kept of one answer. */
class Keeper {
  readonly calls = new Map<string, Kept>()
  readonly #issuer: string
  #reasoning: ReasoningBlock[] = []
  readonly #open = new Map<number, { block: ReasoningBlock | ToolCallBlock; text: string }>()

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  hear(event: Extract<ChatEvent, { readonly index: number }>): void {
    if (event.type === 'block') {
      const { type } = event.block
      if (type === 'reasoning' || type === 'tool-call') this.#open.set(event.index, { block: event.block, text: '' })
      return
    }
    const open = this.#open.get(event.index)
    if (!open) return
    if (event.type === 'delta') open.text += event.text
    if (event.type === 'mark' && event.signature) open.block = { ...open.block, signature: event.signature }
    if (event.type !== 'stop') return
    this.#open.delete(event.index)
    const { block, text } = open
    this.add(block.type === 'reasoning' ? { ...block, text } : { ...block, input: text })
  }

  add(block: Block): void {
    if (block.type === 'reasoning') this.#reasoning.push(this.#issued(block))
    if (block.type !== 'tool-call') return
    // The thoughts stand before the first call; those after it have nothing of their own.
    const kept = { reasoning: this.#reasoning, signature: this.#issued(block).signature }
    this.calls.set(keyOf(block), kept)
    this.#reasoning = []
  }

  #issued<Signed extends { readonly signature?: Signature | undefined }>(block: Signed): Signed {
    return block.signature ? { ...block, signature: { ...block.signature, issuer: this.#issuer } } : block
  }
}

/** Some providers number their calls anew in every conversation: what was asked tells two of the same id apart. */
function keyOf({ id, name, input }: ToolCallBlock): string {
  return `${id} ${name} ${hashText(spelled(input), 16)}`
}

/** Input without the white space that a client may have changed. */
function spelled(input: string): string {
  const value = parseJson(input)
  return value === undefined || isTooDeep(value, input.length) ? input : JSON.stringify(value)
}

function sizeOf({ reasoning, signature }: Kept): number {
  const text = reasoning.reduce((sum, block) => sum + block.text.length + (block.signature?.value.length ?? 0), 0)
  return text + (signature?.value.length ?? 0)
}
