import type { ChatAnswer, Choice } from '../../chat/answer.js'
import type { Block } from '../../chat/blocks.js'
import { writeFinish } from '../openai-chat/finish.js'
import { writeUsage } from '../openai-chat/usage.js'
import type { AnswerContext } from '../protocol.js'

/** A whole answer: its text, and no more. */
export function writeAnswer({ model, choices, usage }: ChatAnswer, answering: AnswerContext): string {
  return JSON.stringify({
    id: answerId(answering),
    object: 'text_completion',
    created: answering.createdAt,
    model: model ?? answering.model,
    choices: choices.map((choice, index) => writeChoice(choice, index, answering)),
    usage: usage && writeUsage(usage),
  })
}

/** The id of an answer, the same in all chunks of a stream. */
export function answerId({ id }: AnswerContext): string {
  return `cmpl-${id}`
}

function writeChoice({ blocks, finish }: Choice, index: number, { losses }: AnswerContext): object {
  for (const [at, block] of blocks.entries()) if (!isSayable(block)) losses.noEquivalent(`content[${at}]`)
  const text = blocks.map((block) => (isSayable(block) ? block.text : '')).join('')
  return { text, index, logprobs: null, finish_reason: finishOf(finish) }
}

/** Text, and the model's words for why it will not answer. */
export function isSayable(block: Block): block is Extract<Block, { type: 'text' | 'refusal' }> {
  return block.type === 'text' || block.type === 'refusal'
}

/** There are no calls here: one that was made all the same has stopped the answer. */
export function finishOf(finish: Choice['finish']): string {
  return finish.reason === 'tool-calls' ? 'stop' : writeFinish(finish)
}
