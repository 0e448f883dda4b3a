import type { Block, TextBlock, ToolResultBlock } from '../../../chat/blocks.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { writeCall } from '../answer/blocks.js'
import { writeOwnCitations } from '../answer/citations.js'
import { writeOwnThinking } from '../answer/signatures.js'
import { writeCache } from '../cache-control.js'
import { ID, ownFieldsOf } from '../native.js'
import { writeMedia } from './write-media.js'

/** Consecutive turns of one role, as one message. */
export interface Message {
  readonly role: Role
  readonly parts: readonly Part[]
}

/** A block that can be sent, and its JSON text. */
export interface Part {
  readonly block: Block
  readonly json: string
}

export type Role = 'user' | 'assistant'

/** Text of white space only is refused, so it is left out: that is no loss. */
export function isBlank(block: Block): boolean {
  return block.type === 'text' && block.text.trim() === ''
}

/** The JSON text of a block of the history; undefined for what is left out. @throws {RelayError} for what cannot be */
export function writePart(block: Block, role: Role, writing: WriteOptions): string | undefined {
  if (isBlank(block)) return undefined
  const { losses, issuer } = writing
  if (block.type === 'reasoning') return spell(writeOwnThinking(block, issuer))
  if (block.type === 'text') return spell(writeText(block, role))
  if (block.type === 'refusal') return spell({ type: 'text', text: block.text })
  if (block.type === 'tool-call' && role === 'assistant') return writeCall(block)
  if (block.type === 'tool-result' && role === 'user') return spell(writeResult(block, writing))
  if (block.type === 'media' && role === 'user') return spell(writeMedia(block, writing))
  if (block.type === 'foreign' && block.protocol === ID) return spell(block.value as object)
  losses.noEquivalent(block.at ?? '')
  return undefined
}

function spell(value: object | undefined): string | undefined {
  return value && JSON.stringify(value)
}

/** A text block. What a user says cites nothing. */
export function writeText({ text, citations, native, cache }: TextBlock, role: Role): object {
  const cited = role === 'assistant' ? writeOwnCitations(citations) : {}
  return { type: 'text', text, ...cited, ...ownFieldsOf(native), ...writeCache(cache) }
}

function writeResult(block: ToolResultBlock, writing: WriteOptions): object {
  const said = block.blocks.filter((inner) => !isBlank(inner))
  const content = said.flatMap((inner) => writeInner(inner, writing) ?? [])
  if (said.length > 0 && content.length === 0) {
    const message = `${block.at}: nothing of this result can be said in ${ID}`
    throw new RelayError('invalid_request', message, { param: block.at })
  }
  const [only] = said
  const isText = said.length === 1 && only?.type === 'text' && !only.cache && !only.native
  return {
    type: 'tool_result',
    tool_use_id: block.callId,
    ...(content.length > 0 && { content: isText ? only.text : content }),
    ...(block.failed && { is_error: true }),
    ...ownFieldsOf(block.native),
    ...writeCache(block.cache),
  }
}

function writeInner(block: Block, writing: WriteOptions): object | undefined {
  if (block.type === 'text') return writeText(block, 'user')
  if (block.type === 'media') return writeMedia(block, writing)
  if (block.type === 'foreign' && block.protocol === ID) return block.value as object
  writing.losses.noEquivalent(block.at ?? '')
  return undefined
}
