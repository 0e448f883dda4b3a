import type { ChatAnswer, Choice } from '../../chat/answer.js'
import type { Block } from '../../chat/blocks.js'
import { writeFinish } from '../openai-chat/answer/finish-reason.js'
import { writeUsage } from '../openai-chat/answer/usage.js'
import type { AnswerContext } from '../protocol.js'

/** Writes a whole answer, which can hold only text. */
export function writeAnswer({ model, choices, usage }: ChatAnswer, context: AnswerContext): string {
  return JSON.stringify({
    id: answerId(context),
    object: 'text_completion',
    created: context.createdAt,
    model: model ?? context.model,
    choices: choices.map((choice, index) => writeChoice(choice, index, context)),
    usage: usage && writeUsage(usage),
  })
}

/** The id of an answer, which is the same in all chunks of a stream. */
export function answerId({ id }: AnswerContext): string {
  return `cmpl-${id}`
}

function writeChoice({ blocks, finish }: Choice, index: number, { losses }: AnswerContext): object {
  for (const [position, block] of blocks.entries()) if (!hasText(block)) losses.noEquivalent(`content[${position}]`)
  const text = blocks.map((block) => (hasText(block) ? block.text : '')).join('')
  return { text, index, logprobs: null, finish_reason: writeCompletionFinish(finish) }
}

/** Whether a block is text, or the text of a refusal. */
export function hasText(block: Block): block is Extract<Block, { type: 'text' | 'refusal' }> {
  return block.type === 'text' || block.type === 'refusal'
}

/** Writes `finish_reason`. Completions have no tool calls, so an answer that ends with one ends with `stop`. */
export function writeCompletionFinish(finish: Choice['finish']): string {
  return finish.reason === 'tool-calls' ? 'stop' : writeFinish(finish)
}
