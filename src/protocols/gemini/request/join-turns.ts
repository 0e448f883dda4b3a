import type { Block, ReasoningBlock, TextBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'

interface Joined extends Turn {
  readonly blocks: Block[]
}

/**
 * Google's own SDK keeps every fragment of a streamed answer as a content of its own. What the model said in a row is
 * one turn, and what it thought or said in pieces is whole again: a signature holds for all of it.
 */
export function joinTurns(turns: readonly Turn[]): Turn[] {
  const joined: Joined[] = []
  for (const turn of turns) {
    const last = joined.at(-1)
    const goesOn = last?.role === 'assistant' && turn.role === 'assistant' && !turn.native
    const open = goesOn ? last : { ...turn, blocks: [] }
    if (!goesOn) joined.push(open)
    for (const block of turn.blocks) {
      if (turn.role === 'assistant') put(block, open.blocks)
      else open.blocks.push(block)
    }
  }
  return joined
}

/** Puts a block at the end; a piece of what is said there already is added to it. */
function put(block: Block, blocks: Block[]): void {
  const last = blocks.at(-1)
  if (last && isSaid(last) && block.type === last.type && !last.signature && !last.native && !block.native) {
    blocks[blocks.length - 1] = { ...last, text: last.text + block.text, signature: block.signature }
  } else blocks.push(block)
}

function isSaid(block: Block): block is TextBlock | ReasoningBlock {
  return block.type === 'text' || block.type === 'reasoning'
}
