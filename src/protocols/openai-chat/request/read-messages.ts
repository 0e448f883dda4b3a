import type { Block, ToolResultBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readCacheMark, readNative } from '../native.js'
import { readContent, systemParts, userParts } from './content-parts.js'
import { readAssistant } from './read-assistant.js'

/** What later messages need of earlier ones. */
interface EarlierMessages {
  /** Ids of tool calls, by the function's name: the deprecated `function` messages have only the name. */
  readonly callIds: Map<string, string>
}

const READERS = new Map<string, (message: Field, earlier: EarlierMessages) => Turn>([
  ['system', readSystem],
  ['developer', readSystem],
  ['user', readUser],
  ['assistant', readAssistantTurn],
  ['tool', (message) => resultTurn(message, readResult(message, message.get('tool_call_id').text()))],
  ['function', readFunctionResult],
])

/** Reads messages as turns. Joins consecutive tool messages into one turn. @throws {RelayError} */
export function readMessages(messages: Field): Turn[] {
  const fields = messages.list()
  if (fields.length === 0) messages.fail('at least one message is needed')
  const earlier: EarlierMessages = { callIds: new Map() }
  const turns: Turn[] = []
  let results: Block[] | undefined
  for (const message of fields) {
    const turn = readMessage(message, earlier)
    const continuesResults = isResultTurn(turn) && results !== undefined
    if (continuesResults) for (const block of turn.blocks) results?.push(block)
    else {
      results = isResultTurn(turn) ? [...turn.blocks] : undefined
      turns.push(results ? { ...turn, blocks: results } : turn)
    }
  }
  return turns
}

function isResultTurn({ blocks }: Turn): boolean {
  return blocks[0]?.type === 'tool-result'
}

function readMessage(message: Field, earlier: EarlierMessages): Turn {
  message.object()
  const role = message.get('role')
  const read = READERS.get(role.text())
  return read ? read(message, earlier) : role.failUnknown()
}

const MESSAGE_FIELDS = new Set(['role', 'content', 'name', 'cache_control'])

function readSystem(message: Field): Turn {
  return plainTurn('system', message, readContent(message.get('content'), systemParts))
}

function readUser(message: Field): Turn {
  return plainTurn('user', message, readContent(message.get('content'), userParts))
}

function plainTurn(role: Turn['role'], message: Field, blocks: Block[]): Turn {
  return {
    role,
    blocks: withCacheMark(blocks, message),
    at: message.path,
    name: message.get('name').maybeText(),
    native: readNative(message, MESSAGE_FIELDS),
  }
}

/** Puts the cache mark of a message on its last block. */
function withCacheMark(blocks: Block[], message: Field): Block[] {
  const cache = readCacheMark(message)
  return cache ? blocks.map((block, index) => (index === blocks.length - 1 ? { ...block, cache } : block)) : blocks
}

function readAssistantTurn(message: Field, { callIds }: EarlierMessages): Turn {
  const turn = readAssistant(message)
  for (const block of turn.blocks) if (block.type === 'tool-call') callIds.set(block.name, block.id)
  return { ...turn, blocks: withCacheMark([...turn.blocks], message) }
}

const RESULT_FIELDS = new Set([...MESSAGE_FIELDS, 'tool_call_id'])

function readResult(message: Field, callId: string): ToolResultBlock {
  const { value } = message.get('content')
  return {
    type: 'tool-result',
    callId,
    name: message.get('name').maybeText(),
    blocks: value === '' ? [] : readContent(message.get('content'), userParts),
    at: message.path,
    cache: readCacheMark(message),
  }
}

function resultTurn(message: Field, block: ToolResultBlock): Turn {
  return { role: 'user', blocks: [block], at: message.path, native: readNative(message, RESULT_FIELDS) }
}

/** Reads the result of a `function_call`, which refers to its call by the function's name. */
function readFunctionResult(message: Field, { callIds }: EarlierMessages): Turn {
  const name = message.get('name').text()
  return resultTurn(message, readResult(message, callIds.get(name) ?? `call_${name}`))
}
