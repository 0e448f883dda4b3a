import type { Block, ToolCallBlock } from '../../../chat/blocks.js'
import { withRaw } from '../../../lib/json.js'
import type { AnswerContext } from '../../protocol.js'
import { writeMedia } from '../media.js'
import { argumentsOf } from '../request/write-part.js'
import { writeClientSignature } from '../signatures.js'
import { PROTOCOL_ID } from '../traits.js'

/** Writes a block as JSON text of a part. Undefined for what the protocol cannot express. */
export function writePart(block: Block, { issuer }: AnswerContext): string | undefined {
  if (block.type === 'text')
    return JSON.stringify({ text: block.text, ...writeClientSignature(block.signature, issuer) })
  if (block.type === 'refusal') return JSON.stringify({ text: block.text })
  if (block.type === 'reasoning') {
    return JSON.stringify({ text: block.text, thought: true, ...writeClientSignature(block.signature, issuer) })
  }
  if (block.type === 'tool-call') return writeCall(block, issuer)
  if (block.type === 'foreign' && block.protocol === PROTOCOL_ID) return JSON.stringify(block.value)
  const media = block.type === 'media' ? writeMedia(block) : undefined
  return media && JSON.stringify(media)
}

function writeCall({ id, name, input, signature }: ToolCallBlock, issuer: string): string {
  const call = withRaw({ id, name }, 'args', oneLine(argumentsOf(input)))
  return withRaw(writeClientSignature(signature, issuer), 'functionCall', call)
}

/** Removes line breaks from JSON, because a stream record has one line. JSON has them only as white space. */
function oneLine(json: string): string {
  return json.replace(/[\r\n]+/g, ' ')
}
