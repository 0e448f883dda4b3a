import type { ToolResultBlock } from '../../../chat/blocks.js'
import { RelayError } from '../../../errors.js'
import type { Message, Part } from './write-blocks.js'

/**
 * Answers every call in the message that follows it, as Anthropic wants: calls whose result is missing get one that says
 * so. @throws {RelayError} for a result that answers no call
 */
export function pairResults(messages: readonly Message[]): Message[] {
  const paired: Message[] = []
  let calls: string[] = []
  for (const message of messages) {
    if (message.role === 'user') {
      paired.push(answered(message, calls))
      calls = []
    } else {
      if (calls.length > 0) paired.push(answered({ role: 'user', parts: [] }, calls))
      paired.push(message)
      calls = message.parts.flatMap(({ block }) => (block.type === 'tool-call' ? [block.id] : []))
    }
  }
  if (calls.length > 0) paired.push(answered({ role: 'user', parts: [] }, calls))
  return paired
}

function answered(message: Message, calls: readonly string[]): Message {
  const open = new Set(calls)
  for (const { block } of message.parts) if (block.type === 'tool-result') settle(block, open)
  if (open.size === 0) return message
  return { role: 'user', parts: [...message.parts, ...[...open].map(missing)] }
}

function settle({ callId, at = 'messages' }: ToolResultBlock, open: Set<string>): void {
  if (open.delete(callId)) return
  const message = `${at}: no call ${JSON.stringify(callId)} stands open right before this result`
  throw new RelayError('invalid_request', message, { param: at })
}

function missing(callId: string): Part {
  const content = '[no result was supplied]'
  const block: ToolResultBlock = {
    type: 'tool-result',
    callId,
    failed: true,
    blocks: [{ type: 'text', text: content }],
  }
  return { block, json: JSON.stringify({ type: 'tool_result', tool_use_id: callId, content, is_error: true }) }
}
