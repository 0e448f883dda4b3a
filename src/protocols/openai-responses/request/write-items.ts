import type { Block, ToolResultBlock } from '../../../chat/blocks.js'
import type { ChatRequest, Turn } from '../../../chat/request.js'
import { RelayError } from '../../../errors.js'
import type { WriteOptions } from '../../protocol.js'
import { ID, ownFields } from '../native.js'
import { writeAssistant } from './write-assistant.js'
import { writeInputPart } from './write-parts.js'

/** Turns as items. @throws {RelayError} for a turn of the user of which nothing can be said */
export function writeItems(request: ChatRequest, turns: readonly Turn[], writing: WriteOptions): object[] {
  const calls = request.turns.flatMap(({ blocks }) => blocks).filter((block) => block.type === 'tool-call')
  const freeform = new Set(calls.filter((call) => call.freeform).map((call) => call.id))
  return turns.flatMap((turn, index) => {
    if (turn.name !== undefined) writing.losses.noEquivalent(`${turn.at ?? 'messages'}.name`)
    if (turn.role === 'assistant') return writeAssistant(turn, index, writing)
    const items = writeOthers(turn, freeform, writing)
    if (items.length > 0 || turn.role === 'system') return items
    return nothingLeft(turn.at ?? 'messages')
  })
}

function nothingLeft(at: string): never {
  throw new RelayError('invalid_request', `${at}: its content has no equivalent in ${ID}`, { param: at })
}

/** A turn of the user or the system: messages, with the results of tools between them. */
function writeOthers(turn: Turn, freeform: ReadonlySet<string>, writing: WriteOptions): object[] {
  const items: object[] = []
  let content: object[] | undefined
  for (const block of turn.blocks) {
    if (block.type === 'tool-result' || isOwn(block)) {
      items.push(block.type === 'tool-result' ? writeResult(block, freeform, writing) : (block.value as object))
      content = undefined
      continue
    }
    const part = writeInputPart(block, turn.at ?? 'messages', writing.losses)
    if (!part) continue
    if (content) content.push(part)
    else {
      content = [part]
      items.push({ type: 'message', role: turn.role, content, ...ownFields(turn.native) })
    }
  }
  return items
}

function isOwn(block: Block): block is Extract<Block, { type: 'foreign' }> {
  return block.type === 'foreign' && block.protocol === ID
}

function writeResult(block: ToolResultBlock, freeform: ReadonlySet<string>, writing: WriteOptions): object {
  const type = freeform.has(block.callId) ? 'custom_tool_call_output' : 'function_call_output'
  return { type, call_id: block.callId, output: writeOutput(block, writing), ...ownFields(block.native) }
}

/** The language has no flag for a tool that failed: the text says so. */
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
    // Tools give text, images and files.
    const sayable = block.type !== 'media' || block.kind !== 'audio'
    const part = sayable ? writeInputPart(block, at, losses) : losses.noEquivalent(block.at ?? at)
    return part ? [part] : []
  })
  if (parts.length === 0) return nothingLeft(at)
  return failed ? [{ type: 'input_text', text: prefix.trim() }, ...parts] : parts
}
