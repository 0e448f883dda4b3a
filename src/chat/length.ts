import type { ChatAnswer } from './answer.js'
import type { Block } from './blocks.js'

/** Characters of output in an answer: text, reasoning and tool input. */
export function lengthOf({ choices }: ChatAnswer): number {
  return choices.reduce(
    (length, { blocks }) => length + blocks.reduce((sum, block) => sum + lengthOfBlock(block), 0),
    0,
  )
}

function lengthOfBlock(block: Block): number {
  if (block.type === 'tool-call') return block.input.length
  return 'text' in block ? block.text.length : 0
}
