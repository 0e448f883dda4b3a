import type { FreeformTool, FunctionTool, Tool, ToolChoice, WebSearchTool } from '../../../chat/request.js'
import { isObject } from '../../../lib/values.js'
import type { Field } from '../../field.js'
import { readCacheMark, readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads the tools of a request: `tools`, the deprecated `functions`, and `web_search_options`. */
export function readTools(body: Field): Tool[] {
  const tools = body.get('tools').maybeList().map(readTool)
  const functions = body.get('functions').maybeList().map(readLegacyFunction)
  const search = body.get('web_search_options')
  return [...tools, ...functions, ...(search.given ? [readWebSearch(search)] : [])]
}

/** Whether a tool comes from the deprecated `functions`. Its calls are written as `function_call`. */
export function isLegacyFunction({ at }: Tool): boolean {
  return at.startsWith('functions[')
}

const TOOL_READERS = new Map<string, (tool: Field) => Tool>([
  ['function', (tool) => readFunction(tool.get('function'), tool)],
  ['custom', readCustom],
  // Moonshot's tools, which run at Moonshot.
  ['builtin_function', (tool) => readForeignTool(tool)],
])

function readTool(tool: Field): Tool {
  tool.object()
  const type = tool.get('type')
  const read = TOOL_READERS.get(type.text())
  return read ? read(tool) : type.failUnknown()
}

const FUNCTION_FIELDS = new Set(['name', 'description', 'parameters', 'strict', 'cache_control'])
const TOOL_FIELDS = new Set(['type', 'function', 'custom', 'cache_control'])

function readFunction(field: Field, tool: Field): FunctionTool {
  const native = readNative(field, FUNCTION_FIELDS)
  const toolNative = tool === field ? undefined : readNative(tool, TOOL_FIELDS)
  const fields = { ...native?.fields, ...toolNative?.fields }
  return {
    type: 'function',
    name: field.get('name').text(),
    description: field.get('description').maybeText(),
    schema: field.get('parameters').maybeObject(),
    strict: field.get('strict').maybeBoolean(),
    at: tool.path,
    cache: readCacheMark(tool) ?? readCacheMark(field),
    native: native || toolNative ? { protocol: PROTOCOL_ID, fields } : undefined,
  }
}

function readLegacyFunction(field: Field): FunctionTool {
  field.object()
  return readFunction(field, field)
}

function readCustom(tool: Field): FreeformTool {
  const custom = tool.get('custom')
  custom.object()
  const format = custom.get('format').maybeObject()
  const grammar = format && isObject(format.grammar) ? { type: 'grammar', ...format.grammar } : format
  return {
    type: 'freeform',
    name: custom.get('name').text(),
    description: custom.get('description').maybeText(),
    format: grammar,
    at: tool.path,
    cache: readCacheMark(tool),
  }
}

function readForeignTool(tool: Field): Tool {
  const kind = tool.get('type').text()
  return { type: 'foreign', protocol: PROTOCOL_ID, kind, value: tool.value, at: tool.path }
}

function readWebSearch(search: Field): WebSearchTool {
  return { type: 'web-search', at: search.path, native: readNative(search, new Set()) }
}

const CHOICES = new Map<string, 'auto' | 'none' | 'required'>([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  // Mistral's name for `required`.
  ['any', 'required'],
])

/** Reads `tool_choice`, or the deprecated `function_call`. */
export function readToolChoice(body: Field): ToolChoice | undefined {
  const choice = body.get('tool_choice')
  const functionCall = body.get('function_call')
  if (choice.given) return typeof choice.value === 'string' ? readChoiceName(choice) : readChoiceObject(choice)
  if (!functionCall.given) return undefined
  if (typeof functionCall.value === 'string') return readChoiceName(functionCall)
  return { type: 'tool', name: readName(functionCall) }
}

function readChoiceName(choice: Field): ToolChoice {
  const type = CHOICES.get(choice.text())
  return type ? { type } : choice.failUnknown('one of none, auto, required')
}

function readChoiceObject(choice: Field): ToolChoice {
  choice.object()
  const type = choice.get('type').oneOf(['function', 'custom', 'allowed_tools'])
  if (type !== 'allowed_tools') return { type: 'tool', name: readName(choice.get(type)) }
  const allowed = choice.get(type)
  const tools = allowed.get('tools').list()
  return {
    type: 'allowed',
    mode: allowed.get('mode').oneOf(['auto', 'required']),
    names: tools.map((tool) => readName(tool.get(tool.get('type').oneOf(['function', 'custom'])))),
  }
}

function readName(field: Field): string {
  field.object()
  return field.get('name').text()
}
