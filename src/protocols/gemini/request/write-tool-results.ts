import type { Block, ToolResultBlock } from '../../../chat/blocks.js'
import { objectText, withRaw } from '../../../lib/json.js'
import type { WriteOptions } from '../../protocol.js'
import { isInvented } from '../call-ids.js'
import { nativeFieldsOf } from '../field-names.js'
import { writeMedia } from '../media.js'

/** A result as a part, and the media parts that must follow it. */
export interface WrittenResult {
  readonly part: string
  readonly mediaParts: readonly string[]
}

/** The result of a call whose own result is missing, because Gemini requires one for each call. */
const NO_RESULT = '[no result was supplied]'

/** Writes a `functionResponse`. `name`: that of the call, because Gemini pairs the two by it. */
export function writeResult(result: ToolResultBlock, name: string, options: WriteOptions): WrittenResult {
  const media = mediaOf(result, options)
  // Only models that sign their calls read media in a response. Others get it in parts that follow.
  const nested = options.dialect.requiresSignatures === true ? media.filter((part) => 'inlineData' in part) : []
  const following = media.filter((part) => !nested.includes(part))
  const head = {
    ...(isInvented(result.callId) ? {} : { id: result.callId }),
    name,
    ...nativeFieldsOf(result.native, 'functionResponse.'),
    ...(nested.length > 0 ? { parts: nested } : {}),
  }
  const response = withRaw(head, 'response', responseOf(textOf(result.blocks), result.failed === true))
  return {
    part: withRaw(nativeFieldsOf(result.native), 'functionResponse', response),
    mediaParts: following.map((part) => JSON.stringify(part)),
  }
}

/** Writes a result for a call without one. */
export function writeNoResult(id: string, name: string): string {
  const head = isInvented(id) ? { name } : { id, name }
  return JSON.stringify({ functionResponse: { ...head, response: { error: NO_RESULT } } })
}

/** Joins the texts of a result by line breaks. */
export function textOf(blocks: readonly Block[]): string {
  return blocks.flatMap((block) => (block.type === 'text' || block.type === 'refusal' ? [block.text] : [])).join('\n')
}

function responseOf(text: string, failed: boolean): string {
  if (failed) return JSON.stringify({ error: text })
  return objectText(text) ?? JSON.stringify({ output: text })
}

function mediaOf({ blocks, at }: ToolResultBlock, { losses }: WriteOptions): Record<string, unknown>[] {
  const media: Record<string, unknown>[] = []
  for (const block of blocks) {
    if (block.type === 'text' || block.type === 'refusal') continue
    const part = block.type === 'media' ? writeMedia(block) : undefined
    if (part) media.push(part)
    else losses.noEquivalent(block.at ?? at ?? 'content')
  }
  return media
}
