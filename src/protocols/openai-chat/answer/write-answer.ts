import type { ChatAnswer, Choice } from '../../../chat/answer.js'
import type { Block, TextBlock } from '../../../chat/blocks.js'
import type { AnswerContext } from '../../protocol.js'
import { isLegacyFunction } from '../request/read-tools.js'
import { writeAudio } from './audio.js'
import { writeCitations } from './citations.js'
import { writeChoiceFinish } from './finish-reason.js'
import { writeClientSignature } from './google-signatures.js'
import { writeImage } from './images.js'
import { writeDetail } from './reasoning-details.js'
import { writeToolCall } from './tool-calls.js'
import { writeUsage } from './usage.js'

/** Writes a whole answer, with all fields that OpenAI's types require. */
export function writeAnswer({ model, choices, usage }: ChatAnswer, context: AnswerContext): string {
  return JSON.stringify({
    id: answerId(context),
    object: 'chat.completion',
    created: context.createdAt,
    model: model ?? context.model,
    choices: choices.map((choice, index) => writeChoice(choice, index, context)),
    usage: usage && writeUsage(usage),
  })
}

/** The id of an answer, which is the same in all chunks of a stream. */
export function answerId({ id }: AnswerContext): string {
  return `chatcmpl-${id}`
}

function writeChoice({ blocks, finish }: Choice, index: number, context: AnswerContext): object {
  const usesFunctionCall = context.request.tools.some(isLegacyFunction)
  const text = textOf(blocks, 'text')
  const refusalText = textOf(blocks, 'refusal')
  const refusal = refusalText || (finish.reason === 'refusal' ? finish.explanation : '')
  const calls = writeToolCalls(blocks, usesFunctionCall, context)
  const emptyContent = calls === undefined && !refusal ? '' : null
  const message = {
    role: 'assistant',
    content: text || emptyContent,
    refusal: refusal || null,
    ...writeReasoning(blocks, context),
    ...writeMedia(blocks, context),
    annotations: writeAnnotations(blocks, text, context),
    ...calls,
    extra_content: textSignature(blocks, context),
  }
  const finish_reason = writeChoiceFinish(finish, { hasRefusal: refusalText !== '', usesFunctionCall })
  return { index, message, logprobs: null, finish_reason }
}

function textOf(blocks: readonly Block[], type: 'text' | 'refusal' | 'reasoning'): string {
  let text = ''
  for (const block of blocks) if (block.type === type) text += block.text
  return text
}

function writeReasoning(blocks: readonly Block[], { issuer }: AnswerContext): object {
  const details: object[] = []
  let text = ''
  for (const block of blocks) {
    if (block.type !== 'reasoning') continue
    text += block.text
    if (!block.signature?.value) continue
    details.push(writeDetail(text, block.signature, details.length, issuer))
    text = ''
  }
  return {
    reasoning_content: textOf(blocks, 'reasoning') || undefined,
    reasoning_details: details.length > 0 ? details : undefined,
  }
}

/** Writes images and audio, and records a loss for blocks that the protocol cannot express. */
function writeMedia(blocks: readonly Block[], context: AnswerContext): object {
  const images: object[] = []
  let audio: object | undefined
  for (const [index, block] of blocks.entries()) {
    const image = writeImage(block)
    if (image) images.push(image)
    else if (block.type === 'media' && block.kind === 'audio' && !audio) audio = writeAudio(block, context)
    else if (!WRITTEN_TYPES.has(block.type)) context.losses.noEquivalent(`content[${index}]`)
  }
  return { images: images.length > 0 ? images : undefined, audio }
}

const WRITTEN_TYPES: ReadonlySet<string> = new Set(['text', 'refusal', 'reasoning', 'tool-call'])

function writeAnnotations(blocks: readonly Block[], text: string, { losses }: AnswerContext): object[] | undefined {
  const annotations: object[] = []
  let blockStart = 0
  for (const [index, block] of blocks.entries()) {
    if (block.type !== 'text') continue
    const written = writeCitations(block.citations ?? [], block, text, blockStart)
    if (written.length < (block.citations?.length ?? 0)) losses.noEquivalent(`content[${index}].citations`)
    for (const annotation of written) annotations.push(annotation)
    blockStart += block.text.length
  }
  return annotations.length > 0 ? annotations : undefined
}

function writeToolCalls(
  blocks: readonly Block[],
  usesFunctionCall: boolean,
  { issuer, losses }: AnswerContext,
): object | undefined {
  const calls = blocks.filter((block) => block.type === 'tool-call')
  const [first] = calls
  if (!first) return undefined
  if (usesFunctionCall) {
    for (const other of calls.slice(1)) losses.noEquivalent(`content[${blocks.indexOf(other)}]`)
    return { function_call: writeToolCall(first).function }
  }
  const tool_calls = calls.map((call) => {
    const extra = call.signature?.value ? writeClientSignature(call.signature, issuer) : undefined
    return { ...writeToolCall(call), extra_content: extra }
  })
  return { tool_calls }
}

function textSignature(blocks: readonly Block[], { issuer }: AnswerContext): object | undefined {
  const text = blocks.findLast((block): block is TextBlock => block.type === 'text' && !!block.signature?.value)
  return text?.signature && writeClientSignature(text.signature, issuer)
}
