import type { ChatAnswer, Choice } from '../../chat/answer.js'
import type { Block, TextBlock } from '../../chat/blocks.js'
import type { AnswerContext } from '../protocol.js'
import { writeAudio } from './audio.js'
import { writeCall } from './calls.js'
import { writeCitations } from './citations.js'
import { finishOf } from './finish.js'
import { signedCall } from './google.js'
import { writeDetail } from './reasoning.js'
import { isLegacy } from './tools.js'
import { writeUsage } from './usage.js'
import { imageUrl } from './write-parts.js'

/** A whole answer, with all fields that OpenAI's types require. */
export function writeAnswer({ model, choices, usage }: ChatAnswer, answering: AnswerContext): string {
  return JSON.stringify({
    id: answerId(answering),
    object: 'chat.completion',
    created: answering.createdAt,
    model: model ?? answering.model,
    choices: choices.map((choice, index) => writeChoice(choice, index, answering)),
    usage: usage && writeUsage(usage),
  })
}

/** The id of an answer, the same in all chunks of a stream. */
export function answerId({ id }: AnswerContext): string {
  return `chatcmpl-${id}`
}

function writeChoice({ blocks, finish }: Choice, index: number, answering: AnswerContext): object {
  const legacy = answering.request.tools.some(isLegacy)
  const text = textOf(blocks, 'text')
  const words = textOf(blocks, 'refusal')
  const refusal = words || (finish.reason === 'refusal' ? finish.explanation : '')
  const calls = writeCalls(blocks, legacy, answering)
  const silent = calls === undefined && !refusal ? '' : null
  const message = {
    role: 'assistant',
    content: text || silent,
    refusal: refusal || null,
    ...writeReasoning(blocks, answering),
    ...writeMedia(blocks, answering),
    annotations: writeAnnotations(blocks, text, answering),
    ...calls,
    extra_content: textSignature(blocks, answering),
  }
  return { index, message, logprobs: null, finish_reason: finishOf(finish, { hasRefusal: words !== '', legacy }) }
}

function textOf(blocks: readonly Block[], type: 'text' | 'refusal' | 'reasoning'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function writeReasoning(blocks: readonly Block[], { issuer }: AnswerContext): object {
  const details: object[] = []
  let thought = ''
  for (const block of blocks) {
    if (block.type !== 'reasoning') continue
    thought += block.text
    if (!block.signature?.value) continue
    details.push(writeDetail(thought, block.signature, details.length, issuer))
    thought = ''
  }
  return {
    reasoning_content: textOf(blocks, 'reasoning') || undefined,
    reasoning_details: details.length > 0 ? details : undefined,
  }
}

/** Images and sound; whatever else this language cannot say is told as lost. */
function writeMedia(blocks: readonly Block[], answering: AnswerContext): object {
  const images: object[] = []
  let audio: object | undefined
  for (const [at, block] of blocks.entries()) {
    const image = imageOf(block)
    if (image) images.push(image)
    else if (block.type === 'media' && block.kind === 'audio' && !audio) audio = writeAudio(block, answering)
    else if (!SAYABLE.has(block.type)) answering.losses.noEquivalent(`content[${at}]`)
  }
  return { images: images.length > 0 ? images : undefined, audio }
}

const SAYABLE: ReadonlySet<string> = new Set(['text', 'refusal', 'reasoning', 'tool-call'])

/** An image as OpenRouter gives it. */
export function imageOf(block: Block): object | undefined {
  const url = block.type === 'media' && block.kind === 'image' ? imageUrl(block) : undefined
  return url === undefined ? undefined : { type: 'image_url', image_url: { url } }
}

function writeAnnotations(blocks: readonly Block[], text: string, { losses }: AnswerContext): object[] | undefined {
  const annotations: object[] = []
  let at = 0
  for (const [index, block] of blocks.entries()) {
    if (block.type !== 'text') continue
    const written = writeCitations(block.citations ?? [], block, text, at)
    if (written.length < (block.citations?.length ?? 0)) losses.noEquivalent(`content[${index}].citations`)
    for (const annotation of written) annotations.push(annotation)
    at += block.text.length
  }
  return annotations.length > 0 ? annotations : undefined
}

function writeCalls(blocks: readonly Block[], legacy: boolean, { issuer, losses }: AnswerContext): object | undefined {
  const calls = blocks.filter((block) => block.type === 'tool-call')
  const [first] = calls
  if (!first) return undefined
  if (legacy) {
    for (const other of calls.slice(1)) losses.noEquivalent(`content[${blocks.indexOf(other)}]`)
    return { function_call: writeCall(first).function }
  }
  const tool_calls = calls.map((call) => {
    const extra = call.signature?.value ? signedCall(call.signature, issuer) : undefined
    return { ...writeCall(call), extra_content: extra }
  })
  return { tool_calls }
}

function textSignature(blocks: readonly Block[], { issuer }: AnswerContext): object | undefined {
  const text = blocks.findLast((block): block is TextBlock => block.type === 'text' && !!block.signature?.value)
  return text?.signature && signedCall(text.signature, issuer)
}
