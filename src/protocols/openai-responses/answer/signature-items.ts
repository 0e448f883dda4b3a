import type { Block, ReasoningBlock, TextBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { Signature } from '../../../chat/signatures.js'

/*
 * Other protocols have signatures of texts and tool calls. Here only reasoning items can hold a signature. So the relay
 * writes an empty reasoning item after the text or call. The id inside its signature says what it belongs to.
 */

const TEXT_ID = 'text'
const CALL_ID_PREFIX = 'call:'

/** The signature of a text or tool call, for a reasoning item that follows it. */
export function signatureForItem(signature: Signature, block: TextBlock | ToolCallBlock): Signature {
  return { ...signature, id: block.type === 'text' ? TEXT_ID : CALL_ID_PREFIX + block.id }
}

/** Moves the signatures in such reasoning items back to their texts and tool calls. */
export function restoreSignatures(blocks: readonly Block[]): Block[] {
  const restored: Block[] = []
  const callSignatures: ReasoningBlock[] = []
  for (const block of blocks) {
    const id = block.type === 'reasoning' && block.text === '' ? block.signature?.id : undefined
    if (block.type !== 'reasoning' || id === undefined) restored.push(block)
    else if (id.startsWith(CALL_ID_PREFIX)) callSignatures.push(block)
    else if (id === TEXT_ID) signText(restored, block)
    else restored.push(block)
  }
  if (callSignatures.length > 0) signCalls(restored, callSignatures)
  return restored
}

/** Signs the last block, or adds an empty text with the signature. */
function signText(blocks: Block[], { signature, at }: ReasoningBlock): void {
  const last = blocks.at(-1)
  const withoutId = signature && { ...signature, id: undefined }
  if (last?.type === 'text' && !last.signature) blocks[blocks.length - 1] = { ...last, signature: withoutId }
  else blocks.push({ type: 'text', text: '', signature: withoutId, at })
}

function signCalls(blocks: Block[], items: readonly ReasoningBlock[]): void {
  const byCallId = new Map(items.map(({ signature }) => [signature?.id?.slice(CALL_ID_PREFIX.length), signature]))
  for (const [index, block] of blocks.entries()) {
    const signature = block.type === 'tool-call' ? byCallId.get(block.id) : undefined
    if (block.type === 'tool-call' && signature)
      blocks[index] = { ...block, signature: { ...signature, id: undefined } }
  }
}
