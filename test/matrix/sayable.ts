import type { ChatAnswer, Choice } from '../../src/chat/answer.js'
import type { Block } from '../../src/chat/blocks.js'
import { unwrapSignature } from '../../src/chat/signatures.js'
import { parseJson } from '../../src/lib/values.js'
import { unborne } from '../../src/protocols/openai-responses/carriers.js'
import type { Language } from './languages.js'
import { plain } from './meaning.js'

/** An answer without what a language cannot say in a stream. */
export function sayable(answer: ChatAnswer, language: Language): ChatAnswer {
  return LIMITS[language]({ ...answer, choices: answer.choices.map(unwrapped) })
}

const LIMITS: Readonly<Record<Language, (answer: ChatAnswer) => ChatAnswer>> = {
  'openai-chat': unrefused,
  'openai-responses': (answer) => ({ ...unrefused(answer), choices: unrefused(answer).choices.slice(0, 1) }),
  'anthropic-messages': (answer) => ({ ...answer, choices: answer.choices.slice(0, 1).map(inMessages) }),
  gemini: (answer) => ({ ...unrefused(answer), usage: answer.usage && { ...answer.usage, cacheWriteInput: 0 } }),
}

/** A refusal without a word is a filter's work. */
function unrefused(answer: ChatAnswer): ChatAnswer {
  const choices = answer.choices.map((choice): Choice => {
    return choice.finish.reason === 'refusal' ? { ...choice, finish: { reason: 'filter' } } : choice
  })
  return { ...answer, choices }
}

/** It draws nothing, signs reasoning only, and calls it a refusal when its provider steps in. */
function inMessages({ blocks, finish }: Choice): Choice {
  const kept = blocks.filter(({ type }) => type !== 'media')
  return {
    blocks: kept.map((block) => (block.type === 'tool-call' ? { ...block, signature: undefined } : block)),
    finish: finish.reason === 'filter' ? { reason: 'refusal' } : finish,
  }
}

/** Signatures that travelled in others, and in items of their own, back where they were. */
function unwrapped({ blocks, finish }: Choice): Choice {
  const bare = blocks.map(unsealed)
  return { blocks: unborne(bare).map(named), finish }
}

function unsealed(block: Block): Block {
  if (!('signature' in block) || !block.signature) return block
  let { signature } = block
  // What it belongs to is told by the outermost that was carried.
  let id: string | undefined
  for (let inner = unwrapSignature(signature.value); inner; inner = unwrapSignature(inner.value)) {
    if (/^(?:text$|call:)/.test(inner.id ?? '')) id ??= inner.id
    signature = { ...inner, id }
  }
  return { ...block, signature: signature.value === '' ? undefined : signature }
}

function named(block: Block): Block {
  if (!('signature' in block) || !block.signature) return block
  const { protocol, value } = block.signature
  return { ...block, signature: { protocol, value } }
}

/** What an answer tells, whatever pieces it was told in. `ordered`: also what came before what. */
export function told({ choices, usage }: ChatAnswer, ordered: boolean): unknown {
  const all = choices.map(({ blocks, finish }) => ({
    reason: finish.reason,
    ...(ordered ? { blocks: merged(blocks) } : flat(blocks)),
  }))
  return plain({ choices: all, usage })
}

function flat(blocks: readonly Block[]): object {
  const textOf = (type: 'text' | 'reasoning'): string =>
    blocks.map((block) => (block.type === type ? block.text : '')).join('')
  return {
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    proofs: blocks.flatMap((block) => (block.type === 'reasoning' && block.signature ? [block.signature.value] : [])),
    calls: blocks.filter(({ type }) => type === 'tool-call').map(meant),
    media: blocks.filter(({ type }) => type === 'media').map(meant),
  }
}

function merged(blocks: readonly Block[]): unknown[] {
  const all: Block[] = []
  for (const block of blocks) {
    const last = all.at(-1)
    const one = block.type === 'text' || block.type === 'reasoning' ? block : undefined
    const goesOn = one && last?.type === one.type && !last.signature
    if (goesOn) all[all.length - 1] = { ...one, text: last.text + one.text }
    else all.push(block)
  }
  return all.map(meant)
}

function meant({ native: _, ...block }: Block): unknown {
  return block.type === 'tool-call' ? { ...block, input: parseJson(block.input) ?? block.input } : block
}
