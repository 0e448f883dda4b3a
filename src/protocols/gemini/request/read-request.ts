import type { Block } from '../../../chat/blocks.js'
import type { ChatRequest, Turn } from '../../../chat/request.js'
import { parseBody } from '../../body.js'
import type { Field } from '../../field.js'
import type { PathFacts } from '../../request-facts.js'
import { getField, nativeFields, restOf } from '../field-names.js'
import { joinTurns } from './join-turns.js'
import { PendingCalls } from './pending-calls.js'
import { readPart } from './read-part.js'
import { readSettings } from './read-settings.js'
import { readChoice, readTools } from './read-tools.js'

/** Reads a `generateContent` request. @throws {RelayError} that names the path of an invalid value */
export function readRequest(body: Buffer, { stream = false }: PathFacts): ChatRequest {
  return readFields(parseBody(body.toString()), stream)
}

/**
 * Reads a request to count tokens: bare contents, or a whole request under `generateContentRequest`.
 * @throws {RelayError} that names the path of an invalid value
 */
export function readCountRequest(body: Buffer): ChatRequest {
  const root = parseBody(body.toString())
  const whole = getField(root, 'generateContentRequest')
  return readFields(whole.given ? whole : root, false)
}

const KNOWN_FIELDS = new Set([
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'model',
  'serviceTier',
])

function readFields(root: Field, stream: boolean): ChatRequest {
  root.object()
  const settings = readSettings(getField(root, 'generationConfig'))
  const choice = readChoice(getField(root, 'toolConfig'))
  const tier = getField(root, 'serviceTier').maybeText()?.toLowerCase()
  return {
    stream,
    turns: [...readSystem(getField(root, 'systemInstruction')), ...readContents(root.get('contents'))],
    tools: readTools(root.get('tools')),
    ...settings.request,
    toolChoice: choice.toolChoice,
    serviceTier: tier === undefined || tier === 'unspecified' ? undefined : (TIERS.get(tier) ?? tier),
    native: nativeFields(restOf(root, KNOWN_FIELDS), settings.fields, choice.fields),
  }
}

/** The relay's name for the default tier differs. */
const TIERS = new Map([['standard', 'default']])

function readSystem(system: Field): Turn[] {
  if (!system.given) return []
  const blocks = readParts(system, new PendingCalls())
  return blocks.length > 0 ? [{ role: 'system', blocks, at: system.path }] : []
}

/** Reads one content, a list of contents, or a text. */
function readContents(contents: Field): Turn[] {
  if (!Array.isArray(contents.value)) return [readContent(contents, new PendingCalls())]
  contents.nonEmptyList()
  const pending = new PendingCalls()
  return joinTurns(contents.list().map((content) => readContent(content, pending)))
}

const ROLES = new Map([
  ['user', 'user'],
  ['function', 'user'],
  ['tool', 'user'],
  ['model', 'assistant'],
  ['system', 'system'],
] as const)

const CONTENT_FIELDS = new Set(['role', 'parts'])

function readContent(content: Field, pending: PendingCalls): Turn {
  const at = content.path
  if (typeof content.value === 'string') return { role: 'user', blocks: readParts(content, pending), at }
  content.object()
  const name = content.get('role').maybeText() ?? 'user'
  const role = ROLES.get(name as 'user') ?? content.get('role').failUnknown('one of user, model')
  const blocks = readParts(content, pending)
  if (blocks.length === 0 && role === 'user') content.get('parts').fail('must not be empty')
  return { role, blocks, at, native: nativeFields(restOf(content, CONTENT_FIELDS)) }
}

function readParts(content: Field, pending: PendingCalls): Block[] {
  if (typeof content.value === 'string') return [{ type: 'text', text: content.value, at: content.path }]
  content.object()
  const parts = content.get('parts')
  const list = parts.given && !Array.isArray(parts.value) ? [parts] : parts.maybeList()
  return list.map((part) => readPart(part, pending))
}
