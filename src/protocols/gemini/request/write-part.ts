import type { Block, ReasoningBlock, ToolCallBlock } from '../../../chat/blocks.js'
import { objectText, withRaw } from '../../../lib/json.js'
import type { WriteOptions } from '../../protocol.js'
import { isInvented } from '../call-ids.js'
import { nativeFieldsOf } from '../field-names.js'
import { writeMedia } from '../media.js'
import { writeUpstreamSignature } from '../signatures.js'
import { PROTOCOL_ID } from '../traits.js'

/** Writes a block as a part, except results and calls. Undefined for a block that is left out. */
export function writePart(
  block: Block,
  thoughtSignature: string | undefined,
  { losses }: WriteOptions,
): string | undefined {
  const common = { ...nativeFieldsOf(block.native), thoughtSignature }
  if (block.type === 'text' || block.type === 'refusal') return writeText(block.text, common)
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return JSON.stringify(block.value)
  const media = block.type === 'media' ? writeMedia(block) : undefined
  if (!media) {
    losses.noEquivalent(block.at ?? 'content')
    return undefined
  }
  const isVague = block.type === 'media' && block.detail !== undefined && block.detail !== 'auto'
  if (isVague) losses.noEquivalent(`${block.at ?? 'content'}.detail`)
  return JSON.stringify({ ...media, ...common })
}

function writeText(text: string, common: { readonly thoughtSignature: string | undefined }): string | undefined {
  return text === '' && common.thoughtSignature === undefined ? undefined : JSON.stringify({ text, ...common })
}

/** Writes a call as a part. */
export function writeCall(call: ToolCallBlock, thoughtSignature: string | undefined): string {
  const named = isInvented(call.id) ? { name: call.name } : { id: call.id, name: call.name }
  const written = withRaw(
    { ...named, ...nativeFieldsOf(call.native, 'functionCall.') },
    'args',
    argumentsOf(call.input),
  )
  return withRaw({ ...nativeFieldsOf(call.native), thoughtSignature }, 'functionCall', written)
}

/** Returns a call's input as JSON text of an object. Wraps other input, because its result needs the call. */
export function argumentsOf(input: string): string {
  if (input.trim() === '') return '{}'
  return objectText(input) ?? JSON.stringify({ _raw: input })
}

/** Returns a block's signature for its issuer. Undefined where another issuer made it. */
export function signatureOf(block: Block, { issuer }: WriteOptions): string | undefined {
  return 'signature' in block ? writeUpstreamSignature(block.signature, issuer) : undefined
}

/** Writes a thought as a part. Undefined for an empty one. */
export function writeThought({ text }: ReasoningBlock, thoughtSignature: string | undefined): string | undefined {
  if (text === '') return writeText('', { thoughtSignature })
  return JSON.stringify({ text, thought: true, thoughtSignature })
}
