import type { Block, Native, ToolCallBlock } from '../../../chat/blocks.js'
import type { Tool, Turn } from '../../../chat/request.js'
import { readSignature } from '../../../chat/signatures.js'
import type { Field } from '../../field.js'
import { unborne } from '../answer/signature-items.js'
import { ID, nativeOf } from '../native.js'
import { readParts } from './read-parts.js'
import { readTools } from './read-tools.js'

/** What was said, as turns; and tools that were given on the way. */
export interface Input {
  readonly turns: readonly Turn[]
  readonly tools: readonly Tool[]
}

/** The input: a string of the user's, or items. What the assistant did between two turns of others is one turn. */
export function readInput(input: Field): Input {
  if (typeof input.value === 'string') {
    const blocks: Block[] = [{ type: 'text', text: input.value, at: 'input' }]
    return { turns: [{ role: 'user', blocks, at: 'input' }], tools: [] }
  }
  const items = input.list()
  if (items.length === 0) input.fail('must not be empty')
  const talk = new Talk()
  for (const item of items) readItem(item, talk)
  return talk.input
}

interface GrowingTurn {
  readonly role: Turn['role']
  readonly blocks: Block[]
  readonly at: string
  readonly native?: Native | undefined
  /** It may take more of its kind. */
  readonly kind: 'message' | 'assistant' | 'results'
}

/** A conversation as it is gathered from items. */
class Talk {
  readonly #turns: GrowingTurn[] = []
  readonly #tools: Tool[] = []
  /** Ids of calls by their tool's name, and those that have got a result. */
  readonly #calls = new Map<string, string[]>()
  readonly #answered = new Set<string>()

  get input(): Input {
    const turns = this.#turns.map(({ role, blocks, at, native }) => ({
      role,
      blocks: role === 'assistant' ? unborne(blocks) : blocks,
      at,
      native,
    }))
    return { turns, tools: this.#tools }
  }

  message(role: 'user' | 'system', blocks: Block[], at: string, native: Native | undefined): void {
    this.#turns.push({ role, blocks, at, native, kind: 'message' })
  }

  assistant(blocks: readonly Block[], at: string): void {
    for (const block of blocks) if (block.type === 'tool-call') this.#called(block)
    this.#add('assistant', 'assistant', blocks, at)
  }

  result(block: Block, at: string): void {
    if (block.type === 'tool-result') this.#answered.add(block.callId)
    this.#add('user', 'results', [block], at)
  }

  tools(tools: readonly Tool[]): void {
    for (const tool of tools) this.#tools.push(tool)
  }

  /** The latest call of a tool that has got no result yet. */
  openCall(name: string | undefined): string | undefined {
    const ids = this.#calls.get(name ?? '') ?? []
    while (this.#answered.has(ids.at(-1) ?? '')) ids.pop()
    return ids.at(-1)
  }

  #called({ name, id }: ToolCallBlock): void {
    const ids = this.#calls.get(name)
    if (ids) ids.push(id)
    else this.#calls.set(name, [id])
  }

  #add(role: Turn['role'], kind: GrowingTurn['kind'], blocks: readonly Block[], at: string): void {
    const last = this.#turns.at(-1)
    if (last?.kind !== kind) this.#turns.push({ role, blocks: [...blocks], at, kind })
    else for (const block of blocks) last.blocks.push(block)
  }
}

function readItem(item: Field, talk: Talk): void {
  const object = item.object()
  // The easy form of a message has no type.
  const kind = item.get('type').maybeText() ?? (Object.hasOwn(object, 'role') ? 'message' : item.get('type').text())
  const read = ITEMS.get(kind)
  if (read) return read(item, talk)
  const side = OTHERS.get(kind) ?? item.get('type').failUnknown()
  const block: Block = { type: 'foreign', protocol: ID, kind, value: item.value, at: item.path }
  if (side === 'assistant') talk.assistant([block], item.path)
  else talk.result(block, item.path)
}

const ITEMS: ReadonlyMap<string, (item: Field, talk: Talk) => void> = new Map([
  ['message', readMessage],
  ['reasoning', readReasoning],
  ['function_call', readCall],
  ['custom_tool_call', readCustomCall],
  ['function_call_output', readOutput],
  ['custom_tool_call_output', readOutput],
  ['image_generation_call', readImage],
  ['additional_tools', (item, talk) => talk.tools(readTools(item.get('tools').list()))],
  ['item_reference', refuseReference],
])

/** What only this language has, and whose words it is. */
const OTHERS: ReadonlyMap<string, 'assistant' | 'user'> = new Map([
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

function refuseReference(item: Field): never {
  return item.fail('this relay keeps no such item: send the item itself')
}

const MESSAGE = new Set(['type', 'role', 'content', 'id', 'status'])

function readMessage(item: Field, talk: Talk): void {
  const role = item.get('role').oneOf(['user', 'assistant', 'system', 'developer'])
  const content = item.get('content')
  const native = nativeOf(item.object(), MESSAGE)
  if (role === 'assistant') {
    const blocks = content.given ? readParts(content) : []
    const filled = blocks.filter((block) => block.type !== 'text' || block.text !== '')
    return talk.assistant(native ? filled.map((block) => withNative(block, native)) : filled, item.path)
  }
  const blocks = readParts(content)
  if (blocks.length === 0) content.fail('must not be empty')
  talk.message(role === 'user' ? 'user' : 'system', blocks, item.path, native)
}

/** Several messages become one turn: what one of them has stands with its blocks. */
function withNative(block: Block, { protocol, fields }: Native): Block {
  return { ...block, native: { protocol, fields: { ...fields, ...block.native?.fields } } }
}

function readReasoning(item: Field, talk: Talk): void {
  const texts = [...item.get('summary').maybeList(), ...item.get('content').maybeList()]
  const sealed = item.get('encrypted_content').maybeText()
  const id = item.get('id').maybeText()
  const signature = sealed ? readSignature(sealed, ID) : undefined
  const signed = signature && { ...signature, id: signature.id ?? id }
  const last = texts.length - 1
  const blocks: Block[] = texts.map((part, index) => ({
    type: 'reasoning',
    text: part.get('text').text(),
    signature: index === last ? signed : undefined,
    at: part.path,
  }))
  if (blocks.length === 0 && signed) blocks.push({ type: 'reasoning', text: '', signature: signed, at: item.path })
  if (blocks.length > 0) talk.assistant(blocks, item.path)
}

const CALL = new Set(['type', 'id', 'call_id', 'name', 'namespace', 'arguments', 'input', 'status', 'caller'])

function readCall(item: Field, talk: Talk): void {
  talk.assistant([{ ...call(item), input: item.get('arguments').text() }], item.path)
}

function readCustomCall(item: Field, talk: Talk): void {
  talk.assistant([{ ...call(item), input: item.get('input').text(), freeform: true }], item.path)
}

function call(item: Field): Omit<Extract<Block, { type: 'tool-call' }>, 'input'> {
  return {
    type: 'tool-call',
    id: item.get('call_id').text(),
    name: item.get('name').text(),
    namespace: item.get('namespace').maybeText(),
    at: item.path,
    native: nativeOf(item.object(), CALL),
  }
}

const OUTPUT = new Set(['type', 'id', 'call_id', 'name', 'namespace', 'output', 'status', 'caller'])

function readOutput(item: Field, talk: Talk): void {
  const id = item.get('call_id')
  const name = item.get('name').maybeText()
  const callId = id.maybeText() ?? talk.openCall(name) ?? id.text()
  const blocks = readParts(item.get('output'))
  const native = nativeOf(item.object(), OUTPUT)
  talk.result({ type: 'tool-result', callId, name, blocks, at: item.path, native }, item.path)
}

/** Without its result it only points to a kept item; with it, it is an image that the model drew. */
function readImage(item: Field, talk: Talk): void {
  const data = item.get('result').maybeText()
  if (data === undefined) return refuseReference(item)
  const format = item.get('output_format').maybeText()
  const block: Block = {
    type: 'media',
    kind: 'image',
    mime: format && `image/${format}`,
    source: { type: 'bytes', data },
    at: item.path,
    native: nativeOf(item.object(), IMAGE),
  }
  talk.assistant([block], item.path)
}

const IMAGE = new Set(['type', 'result', 'status', 'output_format'])
