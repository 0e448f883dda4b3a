import type { ChatAnswer, Choice } from '../../src/chat/answer.js'
import type { Block } from '../../src/chat/blocks.js'
import { unwrapSignature } from '../../src/chat/signatures.js'
import { parseJson } from '../../src/lib/values.js'
import { restoreSignatures } from '../../src/protocols/openai-responses/answer/signature-items.js'
import { plain } from './meaning.js'
import type { ConversationProtocol } from './protocol-setups.js'

/** An answer without the content that a protocol cannot express in a stream. */
export function expressibleIn(answer: ChatAnswer, protocolId: ConversationProtocol): ChatAnswer {
  return LIMITS[protocolId]({ ...answer, choices: answer.choices.map(unwrapSignatures) })
}

const LIMITS: Readonly<Record<ConversationProtocol, (answer: ChatAnswer) => ChatAnswer>> = {
  'openai-chat': withFilterFinish,
  'openai-responses': (answer) => ({
    ...withFilterFinish(answer),
    choices: withFilterFinish(answer).choices.slice(0, 1),
  }),
  'anthropic-messages': (answer) => ({ ...answer, choices: answer.choices.slice(0, 1).map(inAnthropicMessages) }),
  gemini: (answer) => ({ ...withFilterFinish(answer), usage: answer.usage && { ...answer.usage, cacheWriteInput: 0 } }),
}

/** Without a text, these protocols report a refusal as filtered. */
function withFilterFinish(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map((choice): Choice => {
    return choice.finish.reason === 'refusal' ? { ...choice, finish: { reason: 'filter' } } : choice
  })
  return { ...answer, choices }
}

/** It generates no media, signs only reasoning, and reports filtered answers as refusals. */
function inAnthropicMessages({ blocks, finish }: Choice): Choice {
  const kept = blocks.filter(({ type }) => type !== 'media')
  return {
    blocks: kept.map((block) => (block.type === 'tool-call' ? { ...block, signature: undefined } : block)),
    finish: finish.reason === 'filter' ? { reason: 'refusal' } : finish,
  }
}

/** Restores signatures that were wrapped in others, or carried by items of their own. */
function unwrapSignatures({ blocks, finish }: Choice): Choice {
  const bare = blocks.map(unwrapBlock)
  return { blocks: restoreSignatures(bare).map(withoutIssuer), finish }
}

function unwrapBlock(block: Block): Block {
  if (!('signature' in block) || !block.signature) return block
  let { signature } = block
  // The outermost wrapper with an id says which block the signature belongs to.
  let id: string | undefined
  for (let inner = unwrapSignature(signature.value); inner; inner = unwrapSignature(inner.value)) {
    if (/^(?:text$|call:)/.test(inner.id ?? '')) id ??= inner.id
    signature = { ...inner, id }
  }
  return { ...block, signature: signature.value === '' ? undefined : signature }
}

function withoutIssuer(block: Block): Block {
  if (!('signature' in block) || !block.signature) return block
  const { protocol, value } = block.signature
  return { ...block, signature: { protocol, value } }
}

/** The content of an answer, however it was split. `ordered`: with the order of its blocks. */
export function contentOf({ choices, usage }: ChatAnswer, ordered: boolean): unknown {
  const all = choices.map(({ blocks, finish }) => ({
    reason: finish.reason,
    ...(ordered ? { blocks: mergeTexts(blocks) } : contentByType(blocks)),
  }))
  return plain({ choices: all, usage })
}

function contentByType(blocks: readonly Block[]): object {
  const textOf = (type: 'text' | 'reasoning'): string =>
    blocks.map((block) => (block.type === type ? block.text : '')).join('')
  return {
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    proofs: blocks.flatMap((block) => (block.type === 'reasoning' && block.signature ? [block.signature.value] : [])),
    calls: blocks.filter(({ type }) => type === 'tool-call').map(withParsedInput),
    media: blocks.filter(({ type }) => type === 'media').map(withParsedInput),
  }
}

function mergeTexts(blocks: readonly Block[]): unknown[] {
  const all: Block[] = []
  for (const block of blocks) {
    const last = all.at(-1)
    const text = block.type === 'text' || block.type === 'reasoning' ? block : undefined
    const continuesLast = text && last?.type === text.type && !last.signature
    if (continuesLast) all[all.length - 1] = { ...text, text: last.text + text.text }
    else all.push(block)
  }
  return all.map(withParsedInput)
}

function withParsedInput({ native: _, ...block }: Block): unknown {
  return block.type === 'tool-call' ? { ...block, input: parseJson(block.input) ?? block.input } : block
}
