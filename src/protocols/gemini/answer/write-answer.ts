import type { ChatAnswer, Choice } from '../../../chat/answer.js'
import type { AnswerContext } from '../../protocol.js'
import { writeFinish } from './finish-reason.js'
import { type TextCitation, writeGrounding } from './grounding.js'
import { writeUsage } from './usage.js'
import { writePart } from './write-part.js'

/** A whole answer. */
export function writeAnswer({ choices, usage, model, id }: ChatAnswer, context: AnswerContext): string {
  const candidates = choices.map((choice, index) => writeChoice(choice, index, context))
  return envelope(`[${candidates.join(',')}]`, {
    ...(usage ? { usageMetadata: writeUsage(usage) } : {}),
    modelVersion: model ?? context.model,
    responseId: id ?? context.id,
  })
}

/** A response: its candidates as JSON text, then the other fields. */
export function envelope(candidates: string, fields: object): string {
  return `{"candidates":${candidates},${JSON.stringify(fields).slice(1)}`
}

/** A candidate: its parts as JSON texts, then the other fields. There is always a part: clients look at the first. */
export function writeCandidate(parts: readonly string[], fields: object): string {
  const list = parts.length > 0 ? parts.join(',') : '{"text":""}'
  return `{"content":{"parts":[${list}],"role":"model"},${JSON.stringify(fields).slice(1)}`
}

function writeChoice({ blocks, finish }: Choice, index: number, context: AnswerContext): string {
  const parts: string[] = []
  const placed: TextCitation[] = []
  let text = ''
  for (const [at, block] of blocks.entries()) {
    const part = writePart(block, context)
    if (part === undefined) context.losses.noEquivalent(`content[${at}]`)
    else parts.push(part)
    if (block.type !== 'text' && block.type !== 'refusal') continue
    const citations = block.type === 'text' ? (block.citations ?? []) : []
    for (const citation of citations) placed.push({ citation, offset: text.length })
    text += block.text
  }
  const groundingMetadata = writeGrounding(placed, text)
  return writeCandidate(parts, { ...writeFinish(finish), index, groundingMetadata })
}
