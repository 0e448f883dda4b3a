import type { Block, ForeignBlock, ToolResultBlock } from '../../../chat/blocks.js'
import type { ChatRequest, Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { writeAssistant } from './write-assistant.js'
import { writeInputPart } from './write-parts.js'

/** Writes turns as items. @throws {RelayError} for a turn of the user, or a tool result, of which nothing can be written */
export function writeItems(request: ChatRequest, turns: readonly Turn[], options: WriteOptions): object[] {
  const calls = request.turns.flatMap(({ blocks }) => blocks).filter((block) => block.type === 'tool-call')
  const freeformIds = new Set(calls.filter((call) => call.freeform).map((call) => call.id))
  return turns.flatMap((turn, index) => {
    if (turn.name !== undefined) options.losses.noEquivalent(`${turn.at ?? 'messages'}.name`)
    if (turn.role === 'assistant') return writeAssistant(turn, index, options)
    const items = writeInputTurn(turn, freeformIds, options)
    if (items.length > 0 || turn.role === 'system') return items
    return failEmpty(turn.at ?? 'messages')
  })
}

function failEmpty(at: string): never {
  throw new RelayError('invalid_request', `${at}: its content has no equivalent in ${PROTOCOL_ID}`, { param: at })
}

/** Writes a turn of the user or the system as messages, with tool results and native items between them. */
function writeInputTurn(turn: Turn, freeformIds: ReadonlySet<string>, options: WriteOptions): object[] {
  const items: object[] = []
  let content: object[] | undefined
  for (const block of turn.blocks) {
    if (block.type === 'tool-result' || isNative(block)) {
      items.push(block.type === 'tool-result' ? writeResult(block, freeformIds, options) : (block.value as object))
      content = undefined
      continue
    }
    const part = writeInputPart(block, turn.at ?? 'messages', options.losses)
    if (!part) continue
    if (content) content.push(part)
    else {
      content = [part]
      items.push({ type: 'message', role: turn.role, content, ...nativeFields(turn.native) })
    }
  }
  return items
}

function isNative(block: Block): block is ForeignBlock {
  return block.type === 'foreign' && block.protocol === PROTOCOL_ID
}

function writeResult(block: ToolResultBlock, freeformIds: ReadonlySet<string>, options: WriteOptions): object {
  const type = freeformIds.has(block.callId) ? 'custom_tool_call_output' : 'function_call_output'
  return { type, call_id: block.callId, output: writeOutput(block, options), ...nativeFields(block.native) }
}

/** Writes a tool's output. The text of a failed call starts with `Error:`, because the protocol has no field for failure. */
function writeOutput(
  { blocks, failed, at = 'messages' }: ToolResultBlock,
  { losses }: WriteOptions,
): string | object[] {
  const prefix = failed ? 'Error: ' : ''
  const first = blocks[0]
  if (blocks.length === 0 || (blocks.length === 1 && first?.type === 'text' && !first.cache)) {
    return prefix + (first?.type === 'text' ? first.text : '')
  }
  const parts = blocks.flatMap((block) => {
    // Outputs can have text, images and files, but no audio.
    const isSupported = block.type !== 'media' || block.kind !== 'audio'
    const part = isSupported ? writeInputPart(block, at, losses) : losses.noEquivalent(block.at ?? at)
    return part ? [part] : []
  })
  if (parts.length === 0) return failEmpty(at)
  return failed ? [{ type: 'input_text', text: prefix.trim() }, ...parts] : parts
}
