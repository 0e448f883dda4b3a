import type { ChatAnswer } from '../../../chat/answer.js'
import type { Block, TextBlock } from '../../../chat/blocks.js'
import { withRaw } from '../../../lib/json.js'
import type { AnswerContext } from '../../protocol.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { isEmptyBlock, writeCall } from './blocks.js'
import { writeCitation } from './citations.js'
import { writeThinking } from './signatures.js'
import { writeFinish } from './stop-reason.js'
import { writeUsage } from './usage.js'

/** Writes a whole message from the first choice. A message has no room for others. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): string {
  const [choice] = answer.choices
  const blocks = choice?.blocks ?? []
  const content = blocks.flatMap((block, index) => writeBlock(block, index, context) ?? [])
  const hasRefused = blocks.some(({ type }) => type === 'refusal')
  const message = {
    id: messageId(answer.id, context),
    type: 'message',
    role: 'assistant',
    model: answer.model ?? context.model,
    ...writeFinish(choice?.finish ?? { reason: 'stop' }, hasRefused),
    container: null,
    diagnostics: null,
    usage: writeUsage(answer.usage),
  }
  return withRaw(message, 'content', `[${content.join(',')}]`)
}

/** Returns the provider's id where it has Anthropic's form, else an id made from the call's. */
export function messageId(id: string | undefined, context: AnswerContext): string {
  return id?.startsWith('msg_') ? id : `msg_${context.id}`
}

/** Anthropic marks every call that the model itself makes as direct. */
export const DIRECT: object = { caller: { type: 'direct' } }

/** Writes a block as JSON text. Returns undefined for an unsupported block. */
function writeBlock(block: Block, index: number, { issuer, losses }: AnswerContext): string | undefined {
  if (isEmptyBlock(block)) return undefined
  if (block.type === 'text') return JSON.stringify(writeText(block))
  if (block.type === 'refusal') return JSON.stringify({ type: 'text', text: block.text })
  if (block.type === 'reasoning') return JSON.stringify(writeThinking(block, issuer))
  if (block.type === 'tool-call') return writeCall(block, DIRECT)
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return JSON.stringify(block.value)
  losses.noEquivalent(`content[${index}]`)
  return undefined
}

function writeText({ text, citations, native }: TextBlock): object {
  const written = (citations ?? []).flatMap((citation) => writeCitation(citation) ?? [])
  return { type: 'text', text, ...(written.length > 0 && { citations: written }), ...nativeFields(native) }
}
