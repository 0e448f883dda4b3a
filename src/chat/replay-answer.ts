import type { ChatAnswer } from './answer.js'
import type { Block } from './blocks.js'
import type { Emit } from './events.js'

/** Emits a whole answer as the events of a stream. */
export function replayAsEvents({ id, model, choices, usage, upstreamError }: ChatAnswer, emit: Emit): void {
  emit({ type: 'start', id, model })
  if (upstreamError) return emit({ type: 'error', upstreamError })
  let index = 0
  for (const [choice, { blocks, finish }] of choices.entries()) {
    for (const block of blocks) {
      replayBlock(block, index, choice, emit)
      index++
    }
    emit({ type: 'finish', choice, finish })
  }
  if (usage) emit({ type: 'usage', usage })
}

function replayBlock(block: Block, index: number, choice: number, emit: Emit): void {
  const { opening, text } = split(block)
  emit({ type: 'block', index, choice, block: opening })
  if (text) emit({ type: 'delta', index, text })
  if (block.type === 'text') for (const citation of block.citations ?? []) emit({ type: 'mark', index, citation })
  if ('signature' in block && block.signature) emit({ type: 'mark', index, signature: block.signature })
  emit({ type: 'stop', index })
}

function split(block: Block): { opening: Block; text: string } {
  if (block.type === 'text') {
    return { opening: { ...block, text: '', citations: undefined, signature: undefined }, text: block.text }
  }
  if (block.type === 'refusal') return { opening: { ...block, text: '' }, text: block.text }
  if (block.type === 'reasoning') return { opening: { ...block, text: '', signature: undefined }, text: block.text }
  if (block.type === 'tool-call') return { opening: { ...block, input: '', signature: undefined }, text: block.input }
  return { opening: block, text: '' }
}
