import type { ToolResultBlock } from '../../../chat/blocks.js'
import { RelayError } from '../../../errors.js'
import type { Message, WrittenBlock } from './write-blocks.js'

/**
 * Gives every call a result in the message that follows it, as Anthropic requires. A missing result becomes an
 * error result. @throws {RelayError} 400 for a result without a call
 */
export function pairResults(messages: readonly Message[]): Message[] {
  const paired: Message[] = []
  let calls: string[] = []
  for (const message of messages) {
    if (message.role === 'user') {
      paired.push(addMissingResults(message, calls))
      calls = []
    } else {
      if (calls.length > 0) paired.push(addMissingResults({ role: 'user', blocks: [] }, calls))
      paired.push(message)
      calls = message.blocks.flatMap(({ block }) => (block.type === 'tool-call' ? [block.id] : []))
    }
  }
  if (calls.length > 0) paired.push(addMissingResults({ role: 'user', blocks: [] }, calls))
  return paired
}

function addMissingResults(message: Message, calls: readonly string[]): Message {
  const open = new Set(calls)
  for (const { block } of message.blocks) if (block.type === 'tool-result') closeCall(block, open)
  if (open.size === 0) return message
  return { role: 'user', blocks: [...message.blocks, ...[...open].map(missingResult)] }
}

function closeCall({ callId, at = 'messages' }: ToolResultBlock, open: Set<string>): void {
  if (open.delete(callId)) return
  const message = `${at}: the preceding assistant message has no open tool call ${JSON.stringify(callId)}. Send each result once, right after its call.`
  throw new RelayError('invalid_request', message, { param: at })
}

function missingResult(callId: string): WrittenBlock {
  const content = '[no result was supplied]'
  const block: ToolResultBlock = {
    type: 'tool-result',
    callId,
    failed: true,
    blocks: [{ type: 'text', text: content }],
  }
  return { block, json: JSON.stringify({ type: 'tool_result', tool_use_id: callId, content, is_error: true }) }
}
