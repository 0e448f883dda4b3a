import type { Block, TextBlock, ToolResultBlock } from '../../../chat/blocks.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { writeCall } from '../answer/blocks.js'
import { writeNativeCitations } from '../answer/citations.js'
import { writeOwnThinking } from '../answer/signatures.js'
import { writeCache } from '../cache-control.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
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
export function writePart(block: Block, role: Role, options: WriteOptions): string | undefined {
  if (isBlank(block)) return undefined
  const { losses, issuer } = options
  if (block.type === 'reasoning') return spell(writeOwnThinking(block, issuer))
  if (block.type === 'text') return spell(writeText(block, role))
  if (block.type === 'refusal') return spell({ type: 'text', text: block.text })
  if (block.type === 'tool-call' && role === 'assistant') return writeCall(block)
  if (block.type === 'tool-result' && role === 'user') return spell(writeResult(block, options))
  if (block.type === 'media' && role === 'user') return spell(writeMedia(block, options))
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return spell(block.value as object)
  losses.noEquivalent(block.at ?? '')
  return undefined
}

function spell(value: object | undefined): string | undefined {
  return value && JSON.stringify(value)
}

/** Writes a text block. Only the assistant's text has citations. */
export function writeText({ text, citations, native, cache }: TextBlock, role: Role): object {
  const cited = role === 'assistant' ? writeNativeCitations(citations) : {}
  return { type: 'text', text, ...cited, ...nativeFields(native), ...writeCache(cache) }
}

function writeResult(block: ToolResultBlock, options: WriteOptions): object {
  const filled = block.blocks.filter((inner) => !isBlank(inner))
  const content = filled.flatMap((inner) => writeInner(inner, options) ?? [])
  if (filled.length > 0 && content.length === 0) {
    const message = `${block.at}: nothing of this result can be filled in ${PROTOCOL_ID}`
    throw new RelayError('invalid_request', message, { param: block.at })
  }
  const [only] = filled
  const isText = filled.length === 1 && only?.type === 'text' && !only.cache && !only.native
  return {
    type: 'tool_result',
    tool_use_id: block.callId,
    ...(content.length > 0 && { content: isText ? only.text : content }),
    ...(block.failed && { is_error: true }),
    ...nativeFields(block.native),
    ...writeCache(block.cache),
  }
}

function writeInner(block: Block, options: WriteOptions): object | undefined {
  if (block.type === 'text') return writeText(block, 'user')
  if (block.type === 'media') return writeMedia(block, options)
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return block.value as object
  options.losses.noEquivalent(block.at ?? '')
  return undefined
}
