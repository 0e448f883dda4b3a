import type { Block, TextBlock, ToolResultBlock } from '../../../chat/blocks.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { writeCall } from '../answer/blocks.js'
import { writeNativeCitations } from '../answer/citations.js'
import { writeNativeThinking } from '../answer/signatures.js'
import { writeCache } from '../cache-control.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { writeMedia } from './write-media.js'

/** A message to send, made of consecutive turns of one role. */
export interface Message {
  readonly role: Role
  readonly blocks: readonly WrittenBlock[]
}

/** A block and the JSON text to send for it. */
export interface WrittenBlock {
  readonly block: Block
  readonly json: string
}

export type Role = 'user' | 'assistant'

/** Whether a block is text of only white space. Anthropic refuses it, so the relay leaves it out without a loss. */
export function isBlank(block: Block): boolean {
  return block.type === 'text' && block.text.trim() === ''
}

/** Writes a block as JSON text. Returns undefined for one that is left out. @throws {RelayError} 400 for one that must not be */
export function writeBlock(block: Block, role: Role, options: WriteOptions): string | undefined {
  if (isBlank(block)) return undefined
  const { losses, issuer } = options
  if (block.type === 'reasoning') return toJson(writeNativeThinking(block, issuer))
  if (block.type === 'text') return toJson(writeText(block, role))
  if (block.type === 'refusal') return toJson({ type: 'text', text: block.text })
  if (block.type === 'tool-call' && role === 'assistant') return writeCall(block)
  if (block.type === 'tool-result' && role === 'user') return toJson(writeResult(block, options))
  if (block.type === 'media' && role === 'user') return toJson(writeMedia(block, options))
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return toJson(block.value as object)
  losses.noEquivalent(block.at ?? '')
  return undefined
}

function toJson(value: object | undefined): string | undefined {
  return value && JSON.stringify(value)
}

/** Writes a text block. Only the assistant's text has citations. */
export function writeText({ text, citations, native, cache }: TextBlock, role: Role): object {
  const cited = role === 'assistant' ? writeNativeCitations(citations) : {}
  return { type: 'text', text, ...cited, ...nativeFields(native), ...writeCache(cache) }
}

function writeResult(block: ToolResultBlock, options: WriteOptions): object {
  const nonBlank = block.blocks.filter((inner) => !isBlank(inner))
  const content = nonBlank.flatMap((inner) => writeResultBlock(inner, options) ?? [])
  if (nonBlank.length > 0 && content.length === 0) {
    const { at = 'messages' } = block
    const message = `${at}: the content of this tool result has no equivalent in ${PROTOCOL_ID}. Send text, an image or a PDF.`
    throw new RelayError('invalid_request', message, { param: at })
  }
  const [only] = nonBlank
  const isText = nonBlank.length === 1 && only?.type === 'text' && !only.cache && !only.native
  return {
    type: 'tool_result',
    tool_use_id: block.callId,
    ...(content.length > 0 && { content: isText ? only.text : content }),
    ...(block.failed && { is_error: true }),
    ...nativeFields(block.native),
    ...writeCache(block.cache),
  }
}

function writeResultBlock(block: Block, options: WriteOptions): object | undefined {
  if (block.type === 'text') return writeText(block, 'user')
  if (block.type === 'media') return writeMedia(block, options)
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return block.value as object
  options.losses.noEquivalent(block.at ?? '')
  return undefined
}
