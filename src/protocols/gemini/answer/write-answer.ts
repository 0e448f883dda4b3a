import type { ChatAnswer, Choice } from '../../../chat/answer.js'
import type { AnswerContext } from '../../protocol.js'
import { writeFinish } from './finish-reason.js'
import { type TextCitation, writeGrounding } from './grounding.js'
import { writeUsage } from './usage.js'
import { writePart } from './write-part.js'

/** Writes a whole answer. */
export function writeAnswer({ choices, usage, model, id }: ChatAnswer, context: AnswerContext): string {
  const candidates = choices.map((choice, index) => writeChoice(choice, index, context))
  return writeResponse(`[${candidates.join(',')}]`, {
    ...(usage ? { usageMetadata: writeUsage(usage) } : {}),
    modelVersion: model ?? context.model,
    responseId: id ?? context.id,
  })
}

/** Writes a response. `candidates`: JSON text of the list. `fields`: all other fields, at least one. */
export function writeResponse(candidates: string, fields: object): string {
  return `{"candidates":${candidates},${JSON.stringify(fields).slice(1)}`
}

/** Writes a candidate. `parts`: JSON texts. Adds an empty part to none, because clients read the first one. */
export function writeCandidate(parts: readonly string[], fields: object): string {
  const list = parts.length > 0 ? parts.join(',') : '{"text":""}'
  return `{"content":{"parts":[${list}],"role":"model"},${JSON.stringify(fields).slice(1)}`
}

function writeChoice({ blocks, finish }: Choice, index: number, context: AnswerContext): string {
  const parts: string[] = []
  const textCitations: TextCitation[] = []
  let text = ''
  for (const [at, block] of blocks.entries()) {
    const part = writePart(block, context)
    if (part === undefined) context.losses.noEquivalent(`content[${at}]`)
    else parts.push(part)
    if (block.type !== 'text' && block.type !== 'refusal') continue
    const citations = block.type === 'text' ? (block.citations ?? []) : []
    for (const citation of citations) textCitations.push({ citation, offset: text.length })
    text += block.text
  }
  const groundingMetadata = writeGrounding(textCitations, text)
  return writeCandidate(parts, { ...writeFinish(finish), index, groundingMetadata })
}
