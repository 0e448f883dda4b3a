import type { Block, ReasoningBlock, TextBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'

interface JoinedTurn extends Turn {
  readonly blocks: Block[]
}

/**
 * Joins consecutive turns of the model, and its consecutive texts and thoughts, because a signature covers all of a text.
 * Google's SDK keeps every fragment of a streamed answer as a separate content.
 */
export function joinTurns(turns: readonly Turn[]): Turn[] {
  const joined: JoinedTurn[] = []
  for (const turn of turns) {
    const last = joined.at(-1)
    const continues = last?.role === 'assistant' && turn.role === 'assistant' && !turn.native
    const target = continues ? last : { ...turn, blocks: [] }
    if (!continues) joined.push(target)
    for (const block of turn.blocks) {
      if (turn.role === 'assistant') append(block, target.blocks)
      else target.blocks.push(block)
    }
  }
  return joined
}

/** Appends a block. Joins a text or thought with an unsigned last block of the same type. */
function append(block: Block, blocks: Block[]): void {
  const last = blocks.at(-1)
  if (last && isText(last) && block.type === last.type && !last.signature && !last.native && !block.native) {
    blocks[blocks.length - 1] = { ...last, text: last.text + block.text, signature: block.signature }
  } else blocks.push(block)
}

function isText(block: Block): block is TextBlock | ReasoningBlock {
  return block.type === 'text' || block.type === 'reasoning'
}
