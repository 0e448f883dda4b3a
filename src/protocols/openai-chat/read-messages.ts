import type { Block, ToolResultBlock } from '../../chat/blocks.js'
import type { Turn } from '../../chat/request.js'
import type { Field } from '../field.js'
import { readCache, readNative } from './native.js'
import { readContent, systemParts, userParts } from './parts.js'
import { readAssistant } from './read-assistant.js'

/** What the messages before tell of those that follow. */
interface Before {
  /** The ids made for calls of the old kind, which have none, by their function's name. */
  readonly calls: Map<string, string>
}

const READERS = new Map<string, (message: Field, before: Before) => Turn>([
  ['system', readSystem],
  ['developer', readSystem],
  ['user', readUser],
  ['assistant', readModel],
  ['tool', (message) => resultTurn(message, readResult(message, message.get('tool_call_id').text()))],
  ['function', readLegacyResult],
])

/** All messages as turns; tool messages that follow one another are one turn. @throws {RelayError} */
export function readMessages(messages: Field): Turn[] {
  const fields = messages.list()
  if (fields.length === 0) messages.fail('at least one message is needed')
  const before: Before = { calls: new Map() }
  const turns: Turn[] = []
  let results: Block[] | undefined
  for (const message of fields) {
    const turn = readMessage(message, before)
    const isGoingOn = isResults(turn) && results !== undefined
    if (isGoingOn) for (const block of turn.blocks) results?.push(block)
    else {
      results = isResults(turn) ? [...turn.blocks] : undefined
      turns.push(results ? { ...turn, blocks: results } : turn)
    }
  }
  return turns
}

function isResults({ blocks }: Turn): boolean {
  return blocks[0]?.type === 'tool-result'
}

function readMessage(message: Field, before: Before): Turn {
  message.object()
  const role = message.get('role')
  const read = READERS.get(role.text())
  return read ? read(message, before) : role.unknown()
}

const PLAIN = new Set(['role', 'content', 'name', 'cache_control'])

function readSystem(message: Field): Turn {
  return plainTurn('system', message, readContent(message.get('content'), systemParts))
}

function readUser(message: Field): Turn {
  return plainTurn('user', message, readContent(message.get('content'), userParts))
}

function plainTurn(role: Turn['role'], message: Field, blocks: Block[]): Turn {
  return {
    role,
    blocks: marked(blocks, message),
    at: message.path,
    name: message.get('name').maybeText(),
    native: readNative(message, PLAIN),
  }
}

/** A cache mark on the message stands for one on its last block. */
function marked(blocks: Block[], message: Field): Block[] {
  const cache = readCache(message)
  return cache ? blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, cache } : block)) : blocks
}

function readModel(message: Field, { calls }: Before): Turn {
  const turn = readAssistant(message)
  for (const block of turn.blocks) if (block.type === 'tool-call') calls.set(block.name, block.id)
  return { ...turn, blocks: marked([...turn.blocks], message) }
}

const RESULT = new Set([...PLAIN, 'tool_call_id'])

function readResult(message: Field, callId: string): ToolResultBlock {
  const { value } = message.get('content')
  return {
    type: 'tool-result',
    callId,
    name: message.get('name').maybeText(),
    blocks: value === '' ? [] : readContent(message.get('content'), userParts),
    at: message.path,
    cache: readCache(message),
  }
}

function resultTurn(message: Field, block: ToolResultBlock): Turn {
  return { role: 'user', blocks: [block], at: message.path, native: readNative(message, RESULT) }
}

/** Results of the old kind know their call by the function's name only. */
function readLegacyResult(message: Field, { calls }: Before): Turn {
  const name = message.get('name').text()
  return resultTurn(message, readResult(message, calls.get(name) ?? `call_${name}`))
}
