import type { ChatAnswer } from '../../chat/answer.js'
import type { Block, ReasoningBlock, ToolCallBlock } from '../../chat/blocks.js'
import type { ChatEvent, Emit } from '../../chat/events.js'
import type { ChatRequest, Turn } from '../../chat/request.js'
import type { Signature } from '../../chat/signatures.js'
import { hashText } from '../../lib/hash-text.js'
import { isTooDeep } from '../../lib/json.js'
import { parseJson } from '../../lib/values.js'
import { TenantMap } from '../../stores/memory/bounded-map.js'

/** What an answer holds around a tool call that the provider wants back. */
interface RememberedCall {
  /** The reasoning before the call. */
  readonly reasoning: readonly ReasoningBlock[]
  readonly signature: Signature | undefined
}

const BOUNDS = { maxBytes: 32 * 1024 * 1024, ttlMs: 60 * 60 * 1000 }

/**
 * Remembers the reasoning and signatures of answers by their tool calls. Most clients cannot carry those of another
 * protocol. When a client returns with the tool's result, the relay restores what the client has dropped. Callers never
 * get each other's.
 */
export class SignatureMemory {
  readonly #calls = new TenantMap<RememberedCall>(BOUNDS, sizeOf)

  /** Remembers a whole answer. */
  keep({ choices }: ChatAnswer, callerId: string, issuer: string): void {
    for (const { blocks } of choices) {
      const collector = new CallCollector(issuer)
      for (const block of blocks) collector.add(block)
      this.#remember(collector, callerId)
    }
  }

  /** Wraps `emit` to remember a streamed answer as it passes. */
  watch(emit: Emit, callerId: string, issuer: string): Emit {
    const byChoice: CallCollector[] = []
    const byBlock: CallCollector[] = []
    return (event) => {
      emit(event)
      if (event.type === 'block') {
        byChoice[event.choice] ??= new CallCollector(issuer)
        byBlock[event.index] = byChoice[event.choice] as CallCollector
      }
      if ('index' in event) byBlock[event.index]?.onEvent(event)
      if (event.type === 'finish' && byChoice[event.choice])
        this.#remember(byChoice[event.choice] as CallCollector, callerId)
    }
  }

  /** Puts back what the client has dropped from the conversation. */
  restore(request: ChatRequest, callerId: string): ChatRequest {
    if (this.#calls.isEmpty) return request
    let changed = false
    const turns = request.turns.map((turn) => {
      const restored = turn.role === 'assistant' ? this.#restoreTurn(turn, callerId) : turn
      if (restored !== turn) changed = true
      return restored
    })
    return changed ? { ...request, turns } : request
  }

  #restoreTurn(turn: Turn, callerId: string): Turn {
    const calls = turn.blocks.flatMap((block) => (block.type === 'tool-call' ? [block] : []))
    const kept = new Map<Block, RememberedCall>()
    for (const call of calls) {
      const found = this.#calls.get(callerId, keyOf(call))
      if (found) kept.set(call, found)
    }
    if (kept.size === 0) return turn
    // Reasoning that has lost its signature is replaced by the remembered one.
    const areSigned = [...kept.values()].some(({ reasoning }) => reasoning.some(({ signature }) => signature))
    const keepsReasoning = turn.blocks.some((block) => block.type === 'reasoning' && (block.signature || !areSigned))
    const [first] = calls
    const blocks = turn.blocks.flatMap((block): Block[] => {
      if (block.type === 'reasoning' && !keepsReasoning) return []
      const { reasoning = [], signature } = kept.get(block) ?? {}
      const signed = block.type === 'tool-call' && !block.signature && signature ? { ...block, signature } : block
      return keepsReasoning || block === first ? [signed] : [...reasoning, signed]
    })
    // The reasoning for the first call stands before all text.
    const before = keepsReasoning || !first ? [] : (kept.get(first)?.reasoning ?? [])
    return { ...turn, blocks: [...before, ...blocks] }
  }

  #remember({ calls }: CallCollector, callerId: string): void {
    for (const [key, kept] of calls) {
      if (kept.signature || kept.reasoning.length > 0) this.#calls.set(callerId, key, kept)
    }
    calls.clear()
  }
}

/** Collects what is to be remembered of one answer. */
class CallCollector {
  readonly calls = new Map<string, RememberedCall>()
  readonly #issuer: string
  #reasoning: ReasoningBlock[] = []
  readonly #open = new Map<number, { block: ReasoningBlock | ToolCallBlock; text: string }>()

  constructor(issuer: string) {
    this.#issuer = issuer
  }

  onEvent(event: Extract<ChatEvent, { readonly index: number }>): void {
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

/** Some providers restart call ids in every conversation, so the key includes the name and input of the call. */
function keyOf({ id, name, input }: ToolCallBlock): string {
  return `${id} ${name} ${hashText(normalizeInput(input), 16)}`
}

/** Input without the white space that a client may have changed. */
function normalizeInput(input: string): string {
  const value = parseJson(input)
  return value === undefined || isTooDeep(value, input.length) ? input : JSON.stringify(value)
}

function sizeOf({ reasoning, signature }: RememberedCall): number {
  const text = reasoning.reduce((sum, block) => sum + block.text.length + (block.signature?.value.length ?? 0), 0)
  return text + (signature?.value.length ?? 0)
}
