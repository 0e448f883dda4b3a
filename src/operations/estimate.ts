import type { Block } from '../chat/blocks.js'
import type { ChatRequest } from '../chat/request.js'

/** Of text in most languages and tokenizers; code has fewer, Chinese more tokens. */
const CHARACTERS_PER_TOKEN = 4
/** What the roles and marks of a turn come to. */
const PER_TURN = 4
/** An image of middling size, as several providers count it. */
const PER_MEDIUM = 1000

/** About how many tokens a conversation has, for models that cannot be asked. */
export function estimateTokens({ turns, tools }: ChatRequest): number {
  let tokens = Math.ceil(JSON.stringify(tools).length / CHARACTERS_PER_TOKEN)
  if (tools.length === 0) tokens = 0
  for (const { blocks } of turns) tokens += PER_TURN + blocks.reduce((sum, block) => sum + tokensOf(block), 0)
  return tokens
}

function tokensOf(block: Block): number {
  if (block.type === 'media') return PER_MEDIUM
  if (block.type === 'tool-result') return block.blocks.reduce((sum, inner) => sum + tokensOf(inner), 0)
  if (block.type === 'foreign') return Math.ceil(JSON.stringify(block.value ?? null).length / CHARACTERS_PER_TOKEN)
  const text = block.type === 'tool-call' ? block.name + block.input : block.text
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN)
}
