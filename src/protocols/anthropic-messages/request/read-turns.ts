import type { Block } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { readContent } from './read-user-blocks.js'

const KNOWN: ReadonlySet<string> = new Set(['role', 'content'])

/** Reads the `system` field as the first turn. */
export function readSystem(system: Field): Turn[] {
  if (!system.given) return []
  const blocks = readContent(system).map(requireText(system))
  return blocks.length > 0 ? [{ role: 'system', blocks, at: system.path }] : []
}

/** Reads one of `messages`. */
export function readTurn(message: Field): Turn {
  message.object()
  const role = message.get('role').oneOf(['user', 'assistant', 'system'])
  const content = message.get('content')
  const read = readContent(content)
  const blocks = role === 'system' ? read.map(requireText(content)) : read
  if (role === 'user') refuseCalls(blocks, content)
  return { role, blocks, at: message.path, native: readNative(message.value, KNOWN) }
}

function requireText(content: Field): (block: Block, index: number) => Block {
  return (block, index) => {
    if (block.type === 'text') return block
    return content.list()[index]?.get('type').failUnknown('text') ?? block
  }
}

/** Refuses tool calls and reasoning in a user message, since only the model writes them. */
function refuseCalls(blocks: readonly Block[], content: Field): void {
  const index = blocks.findIndex(({ type }) => type === 'tool-call' || type === 'reasoning')
  if (index >= 0) content.list()[index]?.fail('is not allowed in a user message. Only an assistant message may have it')
}
