import type { FunctionTool, Tool, ToolChoice } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { getField, nativeFields, restOf } from '../field-names.js'
import { PROTOCOL_ID } from '../traits.js'
import { readSchema } from './read-schema.js'

/** Names of web search. Older models have the second. */
const SEARCHES = ['googleSearch', 'googleSearchRetrieval']

/** Tools that run at Google. */
const HOSTED = [
  'codeExecution',
  'urlContext',
  'googleMaps',
  'fileSearch',
  'computerUse',
  'mcpServers',
  'retrieval',
  'enterpriseWebSearch',
]

const KNOWN_FIELDS = new Set(['functionDeclarations', ...SEARCHES, ...HOSTED])

/** Reads the tools of a request. One object may hold several. @throws {RelayError} that names the path of an invalid value */
export function readTools(tools: Field): Tool[] {
  const list = tools.given && !Array.isArray(tools.value) ? [tools] : tools.maybeList()
  return list.flatMap(readTool)
}

function readTool(tool: Field): Tool[] {
  tool.object()
  const read: Tool[] = getField(tool, 'functionDeclarations').maybeList().map(readFunction)
  for (const name of SEARCHES) {
    const search = getField(tool, name)
    if (search.given) read.push({ type: 'web-search', at: search.path, native: nativeFields(search.object()) })
  }
  for (const kind of HOSTED) {
    const { given, value, path } = getField(tool, kind)
    if (given) read.push({ type: 'foreign', protocol: PROTOCOL_ID, kind, value: { [kind]: value }, at: path })
  }
  const [unknown] = Object.keys(restOf(tool, KNOWN_FIELDS) ?? {})
  return unknown === undefined ? read : tool.fail(`unknown ${JSON.stringify(unknown)}`)
}

const FUNCTION_FIELDS = new Set(['name', 'description', 'parameters', 'parametersJsonSchema'])

function readFunction(tool: Field): FunctionTool {
  tool.object()
  const plain = tool.get('parameters').maybeObject()
  const full = getField(tool, 'parametersJsonSchema').maybeObject()
  return {
    type: 'function',
    name: tool.get('name').text(),
    description: tool.get('description').maybeText(),
    schema: full ?? (plain && readSchema(plain)),
    at: tool.path,
    native: nativeFields(restOf(tool, FUNCTION_FIELDS)),
  }
}

/** The prefix of native fields of `toolConfig`. */
export const TOOL_PREFIX = 'toolConfig.'

/** Reads `toolConfig`. @throws {RelayError} that names the path of an invalid value */
export function readChoice(config: Field): {
  toolChoice?: ToolChoice | undefined
  fields?: Record<string, unknown> | undefined
} {
  config.maybeObject()
  const calling = getField(config, 'functionCallingConfig')
  calling.maybeObject()
  const mode = calling.get('mode')
  const names = getField(calling, 'allowedFunctionNames')
    .maybeList()
    .map((name) => name.text())
  const read =
    MODES.get(mode.maybeText()?.toUpperCase() ?? 'MODE_UNSPECIFIED') ??
    mode.failUnknown('one of AUTO, ANY, NONE, VALIDATED')
  return { toolChoice: read(names), fields: restOf(config, new Set(['functionCallingConfig']), TOOL_PREFIX) }
}

type Names = readonly string[]
type Choose = (names: Names) => ToolChoice | undefined

const MODES: ReadonlyMap<string, Choose> = new Map<string, Choose>([
  ['MODE_UNSPECIFIED', () => undefined],
  ['AUTO', (names) => among('auto', names)],
  ['VALIDATED', (names) => among('auto', names)],
  ['ANY', (names) => among('required', names)],
  ['NONE', () => ({ type: 'none' })],
])

function among(mode: 'auto' | 'required', names: Names): ToolChoice {
  const [only, ...others] = names
  if (only === undefined) return { type: mode }
  if (mode === 'required' && others.length === 0) return { type: 'tool', name: only }
  return { type: 'allowed', mode, names }
}
