import type { Block, ReasoningBlock, TextBlock, ToolCallBlock } from '../../../chat/blocks.js'
import type { Signature } from '../../../chat/signatures.js'

/*
 * A text or a call has no place for a signature in this language. A reasoning item of its own takes it to the client and
 * back, and its id says what it belongs to.
 */

const TEXT = 'text'
const CALL = 'call:'

/** A signature of a text or of a call, for a reasoning item of its own. */
export function borne(signature: Signature, block: TextBlock | ToolCallBlock): Signature {
  return { ...signature, id: block.type === 'text' ? TEXT : CALL + block.id }
}

/** Gives the signatures of such items back to the blocks that they belong to. */
export function unborne(blocks: readonly Block[]): Block[] {
  const restored: Block[] = []
  const carriers: ReasoningBlock[] = []
  for (const block of blocks) {
    const id = block.type === 'reasoning' && block.text === '' ? block.signature?.id : undefined
    if (block.type !== 'reasoning' || id === undefined) restored.push(block)
    else if (id.startsWith(CALL)) carriers.push(block)
    else if (id === TEXT) signText(restored, block)
    else restored.push(block)
  }
  if (carriers.length > 0) signCalls(restored, carriers)
  return restored
}

function signText(blocks: Block[], { signature, at }: ReasoningBlock): void {
  const last = blocks.at(-1)
  const own = signature && { ...signature, id: undefined }
  if (last?.type === 'text' && !last.signature) blocks[blocks.length - 1] = { ...last, signature: own }
  else blocks.push({ type: 'text', text: '', signature: own, at })
}

function signCalls(blocks: Block[], carriers: readonly ReasoningBlock[]): void {
  const signatures = new Map(carriers.map(({ signature }) => [signature?.id?.slice(CALL.length), signature]))
  for (const [at, block] of blocks.entries()) {
    const signature = block.type === 'tool-call' ? signatures.get(block.id) : undefined
    if (block.type === 'tool-call' && signature) blocks[at] = { ...block, signature: { ...signature, id: undefined } }
  }
}
