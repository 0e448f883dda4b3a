import type { Block } from '../../../chat/blocks.js'
import type { Field } from '../../field.js'
import { readBlock } from '../answer/blocks.js'
import { readCache } from '../cache-control.js'
import { readNative } from '../native.js'
import { readDocument, readImage } from './read-media.js'

/** Reads content, which is a string or a list of blocks. */
export function readContent(content: Field): Block[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value, at: content.path }]
  return content.list().map(readRequestBlock)
}

/** Readers of the blocks that only a client writes. */
const READERS = new Map<unknown, (block: Field) => Block>([
  ['image', readImage],
  ['document', readDocument],
  ['tool_result', readResult],
])

/** Checks of the required fields, for each block that a model wrote. */
const CHECKS = new Map<unknown, (block: Field) => void>([
  ['text', (block) => block.get('text').text()],
  ['thinking', (block) => block.get('thinking').text()],
  ['redacted_thinking', (block) => block.get('data').text()],
  ['tool_use', checkCall],
])

/** Blocks that no other protocol has: results of the provider's own tools, container files, compacted history. */
const FOREIGN =
  /^(?:\w+_tool_(?:use|result)|server_tool_use|mcp_tool_(?:use|result)|search_result|container_upload|tool_reference|compaction|fallback)$/

function readRequestBlock(block: Field): Block {
  block.object()
  const type = block.get('type')
  const kind = type.text()
  const common = { at: block.path, cache: readCache(block.get('cache_control').maybeObject()) }
  const reader = READERS.get(kind)
  if (reader) return { ...reader(block), ...common }
  const check = CHECKS.get(kind)
  if (!check && !FOREIGN.test(kind)) return type.failUnknown()
  check?.(block)
  return { ...readBlock(block.object()), ...common }
}

function checkCall(block: Field): void {
  if (block.get('id').text() === '') block.get('id').fail('must not be empty')
  if (block.get('name').text() === '') block.get('name').fail('must not be empty')
  block.get('input').maybeObject()
}

const KNOWN_IN_RESULT: ReadonlySet<string> = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control'])

function readResult(block: Field): Block {
  const content = block.get('content')
  return {
    type: 'tool-result',
    callId: block.get('tool_use_id').text(),
    blocks: content.given ? readContent(content) : [],
    failed: block.get('is_error').maybeBoolean() === true ? true : undefined,
    native: readNative(block.value, KNOWN_IN_RESULT),
  }
}
