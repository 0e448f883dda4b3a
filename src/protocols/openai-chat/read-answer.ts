import type { ChatAnswer, Choice } from '../../chat/answer.js'
import type { Block, TextBlock } from '../../chat/blocks.js'
import { invalidAnswer } from '../../chat/fault.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Reading } from '../protocol.js'
import { notJson } from './answer.js'
import { readAudio } from './audio.js'
import { readCallPiece } from './calls.js'
import { brokenOff, choicesOf, messageOf } from './choices.js'
import { readCitations } from './citations.js'
import { faultIn } from './errors.js'
import { readFinish } from './finish.js'
import { readGoogleSignature } from './google.js'
import { thinkingText } from './parts.js'
import { readImages } from './read-assistant.js'
import { readReasoning } from './reasoning.js'
import { findUsage } from './usage.js'

/** A whole answer, of OpenAI or of those who almost write it so. Never throws: what is no answer is a fault. */
export function readAnswer(body: Buffer, { id }: Reading): ChatAnswer {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return { choices: [], fault: notJson(body) }
  const { id: own, model } = answer
  const head = {
    id: typeof own === 'string' && own !== '' ? own : undefined,
    model: typeof model === 'string' && model !== '' ? model : undefined,
    usage: findUsage(answer),
  }
  const numbering = { id, calls: 0 }
  const given = choicesOf(answer)
  const messages = given.map(messageOf)
  const fault =
    faultIn(answer) ??
    given.map(brokenOff).find((broken) => broken) ??
    (messages.some((message) => message) ? undefined : invalidAnswer('an answer without choices'))
  if (fault) return { ...head, choices: [], fault }
  const choices = given.map((choice, index) => readChoice(choice, messages[index] ?? {}, numbering))
  return { ...head, choices }
}

/** Counts the calls of an answer that have no id of their own. */
interface Numbering {
  readonly id: string
  calls: number
}

function readChoice(choice: Record<string, unknown>, message: Record<string, unknown>, numbering: Numbering): Choice {
  const calls = readCalls(message, numbering)
  const refusal = typeof message.refusal === 'string' ? message.refusal : ''
  const blocks = [
    ...readReasoning(message),
    ...readContent(message),
    ...(refusal ? [{ type: 'refusal', text: refusal } as const] : []),
    ...readImages(message),
    ...readAudio(message.audio),
    ...calls,
  ]
  return { blocks, finish: readFinish(choice.finish_reason, calls.length > 0, refusal !== '') }
}

function readContent(message: Record<string, unknown>): Block[] {
  const blocks = Array.isArray(message.content) ? readParts(message.content) : readText(message.content)
  const signature = readGoogleSignature(message.extra_content)
  const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
  const citations = readCitations(message.annotations, text)
  if (!signature && citations.length === 0) return blocks
  const at = blocks.findLastIndex((block) => block.type === 'text')
  const last = (blocks[at] ?? { type: 'text', text: '' }) as TextBlock
  const told: TextBlock = { ...last, signature, citations: citations.length > 0 ? citations : undefined }
  return at < 0 ? [...blocks, told] : blocks.with(at, told)
}

function readText(content: unknown): Block[] {
  return typeof content === 'string' && content !== '' ? [{ type: 'text', text: content }] : []
}

/** Content as a list: Mistral's, with its thinking. Text parts that follow one another are one text. */
function readParts(parts: readonly unknown[]): Block[] {
  const blocks: Block[] = []
  for (const part of parts) {
    if (!isObject(part)) continue
    const last = blocks.at(-1)
    const block = readPart(part)
    if (block?.type === 'text' && last?.type === 'text') {
      blocks[blocks.length - 1] = { ...last, text: last.text + block.text }
    } else if (block) blocks.push(block)
  }
  return blocks
}

function readPart(part: Record<string, unknown>): Block | undefined {
  if (part.type === 'thinking') return { type: 'reasoning', text: thinkingText(part.thinking) }
  if (part.type === 'image_url') return readImages({ images: [part] })[0]
  if (typeof part.refusal === 'string') return { type: 'refusal', text: part.refusal }
  return typeof part.text === 'string' && part.text !== '' ? { type: 'text', text: part.text } : undefined
}

function readCalls(message: Record<string, unknown>, numbering: Numbering): Block[] {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : []
  const all = isObject(message.function_call) ? [...calls, message.function_call] : calls
  return all.map((call) => {
    const { id, name, input, freeform } = readCallPiece(call)
    return {
      type: 'tool-call',
      id: id || `call_${numbering.id}_${numbering.calls++}`,
      name,
      input,
      freeform: freeform || undefined,
      signature: readGoogleSignature(call.extra_content),
    }
  })
}
