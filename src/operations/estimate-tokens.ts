import type { Block } from '../chat/blocks.js'
import type { ChatRequest } from '../chat/request.js'

/** Typical for most languages and tokenizers. Code and Chinese have fewer characters per token. */
const CHARACTERS_PER_TOKEN = 4
/** The role and the separators of a turn. */
const TOKENS_PER_TURN = 4
/** A medium-sized image, as several providers count it. */
const TOKENS_PER_MEDIA = 1000

/** Estimates the tokens of a conversation, for models that cannot count. */
export function estimateConversationTokens({ turns, tools }: ChatRequest): number {
  let tokens = tools.length === 0 ? 0 : textTokens(JSON.stringify(tools))
  for (const { blocks } of turns) tokens += TOKENS_PER_TURN + blocksTokens(blocks)
  return tokens
}

function blocksTokens(blocks: readonly Block[]): number {
  return blocks.reduce((sum, block) => sum + blockTokens(block), 0)
}

function blockTokens(block: Block): number {
  switch (block.type) {
    case 'media':
      return TOKENS_PER_MEDIA
    case 'tool-result':
      return blocksTokens(block.blocks)
    case 'foreign':
      return textTokens(JSON.stringify(block.value ?? null))
    case 'tool-call':
      return textTokens(block.name + block.input)
    default:
      return textTokens(block.text)
  }
}

function textTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN)
}
