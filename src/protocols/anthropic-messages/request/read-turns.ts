import type { Block } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { readContent } from './read-user-blocks.js'

const KNOWN: ReadonlySet<string> = new Set(['role', 'content'])

/** Reads the `system` field as the first turn. */
export function readSystem(system: Field): Turn[] {
  if (!system.given) return []
  const blocks = readContent(system).map(asText(system))
  return blocks.length > 0 ? [{ role: 'system', blocks, at: system.path }] : []
}

/** One of `messages`. */
export function readTurn(message: Field): Turn {
  message.object()
  const role = message.get('role').oneOf(['user', 'assistant', 'system'])
  const content = message.get('content')
  const read = readContent(content)
  const blocks = role === 'system' ? read.map(asText(content)) : read
  if (role === 'user') refuseCalls(blocks, content)
  return { role, blocks, at: message.path, native: readNative(message.value, KNOWN) }
}

function asText(content: Field): (block: Block, index: number) => Block {
  return (block, index) => {
    if (block.type === 'text') return block
    return content.list()[index]?.get('type').failUnknown('text') ?? block
  }
}

/** Only the model calls tools and thinks. */
function refuseCalls(blocks: readonly Block[], content: Field): void {
  const index = blocks.findIndex(({ type }) => type === 'tool-call' || type === 'reasoning')
  if (index >= 0) content.list()[index]?.get('type').fail('does not belong in a message of the user')
}
