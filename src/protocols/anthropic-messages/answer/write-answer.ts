import type { ChatAnswer } from '../../../chat/answer.js'
import type { Block, TextBlock } from '../../../chat/blocks.js'
import { withRaw } from '../../../lib/json.js'
import type { AnswerContext } from '../../protocol.js'
import { ID, ownFieldsOf } from '../native.js'
import { writeCall } from './blocks.js'
import { writeCitation } from './citations.js'
import { writeThinking } from './signatures.js'
import { writeFinish } from './stop-reason.js'
import { writeUsage } from './usage.js'

/** A whole message: of several choices the first, since there is room for one. */
export function writeAnswer(answer: ChatAnswer, answering: AnswerContext): string {
  const [choice] = answer.choices
  const blocks = choice?.blocks ?? []
  const content = blocks.flatMap((block, index) => writeBlock(block, index, answering) ?? [])
  const hasRefused = blocks.some(({ type }) => type === 'refusal')
  const message = {
    id: messageId(answer.id, answering),
    type: 'message',
    role: 'assistant',
    model: answer.model ?? answering.model,
    ...writeFinish(choice?.finish ?? { reason: 'stop' }, hasRefused),
    container: null,
    diagnostics: null,
    usage: writeUsage(answer.usage),
  }
  return withRaw(message, 'content', `[${content.join(',')}]`)
}

/** The provider's id, when it looks like one of these; else our own. */
export function messageId(id: string | undefined, answering: AnswerContext): string {
  return id?.startsWith('msg_') ? id : `msg_${answering.id}`
}

/** Said of every call: a program of the model's own did not make it. */
export const DIRECT: object = { caller: { type: 'direct' } }

/** The JSON text of a block; undefined for what cannot be said. */
function writeBlock(block: Block, index: number, { issuer, losses }: AnswerContext): string | undefined {
  if (isSilent(block)) return undefined
  if (block.type === 'text') return JSON.stringify(writeText(block))
  if (block.type === 'refusal') return JSON.stringify({ type: 'text', text: block.text })
  if (block.type === 'reasoning') return JSON.stringify(writeThinking(block, issuer))
  if (block.type === 'tool-call') return writeCall(block, DIRECT)
  if (block.type === 'foreign' && block.protocol === ID) return JSON.stringify(block.value)
  losses.noEquivalent(`content[${index}]`)
  return undefined
}

/** It would be refused when it comes back with the history. */
function isSilent(block: Block): boolean {
  if (block.type === 'reasoning') return block.text === '' && !block.signature
  return (block.type === 'text' || block.type === 'refusal') && block.text === ''
}

function writeText({ text, citations, native }: TextBlock): object {
  const written = (citations ?? []).flatMap((citation) => writeCitation(citation) ?? [])
  return { type: 'text', text, ...(written.length > 0 && { citations: written }), ...ownFieldsOf(native) }
}
