import { LRUCache } from 'lru-cache'
import type { ChatAnswer } from '../chat/answer.js'
import type { Block, ReasoningBlock } from '../chat/blocks.js'
import type { Emit } from '../chat/events.js'
import type { ChatRequest, Turn } from '../chat/request.js'
import type { Signature } from '../chat/signatures.js'

/** What an answer had around its tool calls, and the provider wants back. */
interface Kept {
  /** The thoughts that led to the call. */
  readonly reasoning: readonly ReasoningBlock[]
  readonly signature: Signature | undefined
}

const MOST_BYTES = 32 * 1024 * 1024
const LONGEST_MS = 60 * 60 * 1000

/**
 * Remembers the signatures of answers by their tool calls. Most clients have no place for another language's: when they
 * come back with the tool's result, what they have dropped is put where it was. No tenant sees another's.
 */
export class Memory {
  readonly #kept = new LRUCache<string, Kept>({ maxSize: MOST_BYTES, sizeCalculation: sizeOf, ttl: LONGEST_MS })

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
    const keeper = new Keeper(issuer)
    const open = new Map<number, Block>()
    return (event) => {
      emit(event)
      if (event.type === 'delta') {
        // Only thoughts are kept; of calls the id is enough.
        const block = open.get(event.index)
        if (block?.type === 'reasoning') open.set(event.index, { ...block, text: block.text + event.text })
      } else if (event.type === 'block') {
        const { type } = event.block
        if (type === 'reasoning' || type === 'tool-call') open.set(event.index, event.block)
      } else if (event.type === 'mark') {
        const block = open.get(event.index)
        if (block && event.signature) open.set(event.index, { ...block, signature: event.signature } as Block)
      } else if (event.type === 'stop') {
        const block = open.get(event.index)
        if (block) keeper.add(block)
        open.delete(event.index)
      } else if (event.type === 'finish') this.#store(keeper, tenant)
    }
  }

  /** The conversation with what its client has dropped. */
  restore(request: ChatRequest, tenant: string): ChatRequest {
    if (this.#kept.size === 0) return request
    let changed = false
    const turns = request.turns.map((turn) => {
      const restored = turn.role === 'assistant' ? this.#restoreTurn(turn, tenant) : turn
      if (restored !== turn) changed = true
      return restored
    })
    return changed ? { ...request, turns } : request
  }

  #restoreTurn(turn: Turn, tenant: string): Turn {
    let reasoning: readonly ReasoningBlock[] = []
    let changed = false
    const blocks = turn.blocks.map((block): Block => {
      const kept = block.type === 'tool-call' ? this.#kept.get(keyOf(tenant, block.id)) : undefined
      if (!kept || block.type !== 'tool-call') return block
      if (kept.reasoning.length > 0) reasoning = kept.reasoning
      if (!kept.signature || block.signature) return block
      changed = true
      return { ...block, signature: kept.signature }
    })
    const dropped = reasoning.length > 0 && !turn.blocks.some(({ type }) => type === 'reasoning')
    if (!dropped && !changed) return turn
    return { ...turn, blocks: dropped ? [...reasoning, ...blocks] : blocks }
  }

  #store({ calls }: Keeper, tenant: string): void {
    for (const [id, kept] of calls) {
      if (kept.signature || kept.reasoning.length > 0) this.#kept.set(keyOf(tenant, id), kept)
    }
  }
}

/** Gathers what is to be kept of one answer. */
class Keeper {
  readonly calls = new Map<string, Kept>()
  readonly #issuer: string
  #reasoning: ReasoningBlock[] = []

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  add(block: Block): void {
    if (block.type === 'reasoning') this.#reasoning.push(this.#issued(block))
    if (block.type !== 'tool-call') return
    // The thoughts stand before the first call; those after it have nothing of their own.
    const kept = { reasoning: this.#reasoning, signature: this.#issued(block).signature }
    this.calls.set(block.id, kept)
    this.#reasoning = []
  }

  #issued<Signed extends { readonly signature?: Signature | undefined }>(block: Signed): Signed {
    return block.signature ? { ...block, signature: { ...block.signature, issuer: this.#issuer } } : block
  }
}

function keyOf(tenant: string, callId: string): string {
  return `${tenant}\n${callId}`
}

function sizeOf({ reasoning, signature }: Kept, key: string): number {
  const text = reasoning.reduce((sum, block) => sum + block.text.length + (block.signature?.value.length ?? 0), 0)
  return 2 * (key.length + text + (signature?.value.length ?? 0)) + 256
}
