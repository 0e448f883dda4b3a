import type { Block, Native } from '../../../chat/blocks.js'
import { readSignature } from '../../../chat/signatures.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { ConversationBuilder, type Input } from './conversation-builder.js'
import { readParts } from './read-parts.js'
import { readTools } from './read-tools.js'

/** Reads the input: a string, which is one message of the user, or items. @throws {RelayError} */
export function readInput(input: Field): Input {
  if (typeof input.value === 'string') {
    const blocks: Block[] = [{ type: 'text', text: input.value, at: 'input' }]
    return { turns: [{ role: 'user', blocks, at: 'input' }], tools: [] }
  }
  const items = input.list()
  if (items.length === 0) input.fail('must not be empty')
  const conversation = new ConversationBuilder()
  for (const item of items) readItem(item, conversation)
  return conversation.input
}

function readItem(item: Field, conversation: ConversationBuilder): void {
  const object = item.object()
  // A message may leave out its type.
  const type = item.get('type').maybeText() ?? (Object.hasOwn(object, 'role') ? 'message' : item.get('type').text())
  const read = ITEM_READERS.get(type)
  if (read) return read(item, conversation)
  const role = NATIVE_ITEMS.get(type) ?? item.get('type').failUnknown()
  const block: Block = { type: 'foreign', protocol: PROTOCOL_ID, kind: type, value: item.value, at: item.path }
  if (role === 'assistant') conversation.addAssistant([block], item.path)
  else conversation.addResult(block, item.path)
}

type ItemReader = (item: Field, conversation: ConversationBuilder) => void

const ITEM_READERS: ReadonlyMap<string, ItemReader> = new Map<string, ItemReader>([
  ['message', readMessage],
  ['reasoning', readReasoning],
  ['function_call', readFunctionCall],
  ['custom_tool_call', readCustomCall],
  ['function_call_output', readOutput],
  ['custom_tool_call_output', readOutput],
  ['image_generation_call', readImage],
  ['additional_tools', (item, conversation) => conversation.addTools(readTools(item.get('tools').list()))],
  ['item_reference', failUnresolved],
])

/** Items that only this protocol has, and the role that sends them. */
const NATIVE_ITEMS: ReadonlyMap<string, 'assistant' | 'user'> = new Map([
  ['file_search_call', 'assistant'],
  ['computer_call', 'assistant'],
  ['computer_call_output', 'user'],
  ['web_search_call', 'assistant'],
  ['tool_search_call', 'assistant'],
  ['tool_search_output', 'user'],
  ['configuration_update', 'user'],
  ['compaction', 'assistant'],
  ['compaction_trigger', 'user'],
  ['code_interpreter_call', 'assistant'],
  ['local_shell_call', 'assistant'],
  ['local_shell_call_output', 'user'],
  ['shell_call', 'assistant'],
  ['shell_call_output', 'user'],
  ['apply_patch_call', 'assistant'],
  ['apply_patch_call_output', 'user'],
  ['mcp_list_tools', 'assistant'],
  ['mcp_approval_request', 'assistant'],
  ['mcp_approval_response', 'user'],
  ['mcp_call', 'assistant'],
  ['program', 'assistant'],
  ['program_output', 'user'],
])

/** @throws {RelayError} for a reference to a stored item that the relay could not resolve */
function failUnresolved(item: Field): never {
  return item.fail('this relay has not stored such an item. Send the item itself.')
}

const MESSAGE_FIELDS = new Set(['type', 'role', 'content', 'id', 'status'])

function readMessage(item: Field, conversation: ConversationBuilder): void {
  const role = item.get('role').oneOf(['user', 'assistant', 'system', 'developer'])
  const content = item.get('content')
  const native = readNative(item.object(), MESSAGE_FIELDS)
  if (role === 'assistant') {
    const blocks = content.given ? readParts(content) : []
    const nonEmpty = blocks.filter((block) => block.type !== 'text' || block.text !== '')
    return conversation.addAssistant(native ? nonEmpty.map((block) => withNative(block, native)) : nonEmpty, item.path)
  }
  const blocks = readParts(content)
  if (blocks.length === 0) content.fail('must not be empty')
  conversation.addMessage(role === 'user' ? 'user' : 'system', blocks, item.path, native)
}

/** Adds a message's native fields to its blocks, because several messages may become one turn. */
function withNative(block: Block, { protocol, fields }: Native): Block {
  return { ...block, native: { protocol, fields: { ...fields, ...block.native?.fields } } }
}

/** Reads summaries and reasoning texts as blocks. The last block gets the signature. */
function readReasoning(item: Field, conversation: ConversationBuilder): void {
  const parts = [...item.get('summary').maybeList(), ...item.get('content').maybeList()]
  const encrypted = item.get('encrypted_content').maybeText()
  const id = item.get('id').maybeText()
  const issued = encrypted ? readSignature(encrypted, PROTOCOL_ID) : undefined
  const signature = issued && { ...issued, id: issued.id ?? id }
  const last = parts.length - 1
  const blocks: Block[] = parts.map((part, index) => ({
    type: 'reasoning',
    text: part.get('text').text(),
    signature: index === last ? signature : undefined,
    at: part.path,
  }))
  if (blocks.length === 0 && signature) blocks.push({ type: 'reasoning', text: '', signature, at: item.path })
  if (blocks.length > 0) conversation.addAssistant(blocks, item.path)
}

const CALL_FIELDS = new Set(['type', 'id', 'call_id', 'name', 'namespace', 'arguments', 'input', 'status', 'caller'])

function readFunctionCall(item: Field, conversation: ConversationBuilder): void {
  conversation.addAssistant([{ ...readCall(item), input: item.get('arguments').text() }], item.path)
}

function readCustomCall(item: Field, conversation: ConversationBuilder): void {
  conversation.addAssistant([{ ...readCall(item), input: item.get('input').text(), freeform: true }], item.path)
}

function readCall(item: Field): Omit<Extract<Block, { type: 'tool-call' }>, 'input'> {
  return {
    type: 'tool-call',
    id: item.get('call_id').text(),
    name: item.get('name').text(),
    namespace: item.get('namespace').maybeText(),
    at: item.path,
    native: readNative(item.object(), CALL_FIELDS),
  }
}

const OUTPUT_FIELDS = new Set(['type', 'id', 'call_id', 'name', 'namespace', 'output', 'status', 'caller'])

/** Reads a tool result. Without `call_id`, it belongs to the latest unanswered call of the tool. */
function readOutput(item: Field, conversation: ConversationBuilder): void {
  const id = item.get('call_id')
  const name = item.get('name').maybeText()
  const callId = id.maybeText() ?? conversation.findUnansweredCall(name) ?? id.text()
  const blocks = readParts(item.get('output'))
  const native = readNative(item.object(), OUTPUT_FIELDS)
  conversation.addResult({ type: 'tool-result', callId, name, blocks, at: item.path, native }, item.path)
}

const IMAGE_FIELDS = new Set(['type', 'result', 'status', 'output_format'])

/** Reads an image that a model has generated. Without `result`, the item only refers to a stored one. */
function readImage(item: Field, conversation: ConversationBuilder): void {
  const data = item.get('result').maybeText()
  if (data === undefined) return failUnresolved(item)
  const format = item.get('output_format').maybeText()
  const block: Block = {
    type: 'media',
    kind: 'image',
    mime: format && `image/${format}`,
    source: { type: 'bytes', data },
    at: item.path,
    native: readNative(item.object(), IMAGE_FIELDS),
  }
  conversation.addAssistant([block], item.path)
}
