import type { FreeformTool, FunctionTool, Tool, ToolChoice, WebSearchTool } from '../../chat/request.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { LANGUAGE } from './language.js'
import { readCache, readNative } from './native.js'

/** The tools of a request: also as `functions`, their old name, and the search of the web, which stands apart. */
export function readTools(body: Field): Tool[] {
  const tools = body.get('tools').maybeList().map(readTool)
  const functions = body.get('functions').maybeList().map(readLegacy)
  const search = body.get('web_search_options')
  return [...tools, ...functions, ...(search.given ? [readSearch(search)] : [])]
}

/** Where the tools of old stand: who asks by them is answered by them. */
export function isLegacy({ at }: Tool): boolean {
  return at.startsWith('functions[')
}

const TOOLS = new Map<string, (tool: Field) => Tool>([
  ['function', (tool) => readFunction(tool.get('function'), tool)],
  ['custom', readCustom],
  // Moonshot's own, which run there.
  ['builtin_function', (tool) => readForeign(tool)],
])

function readTool(tool: Field): Tool {
  tool.object()
  const type = tool.get('type')
  const read = TOOLS.get(type.text())
  return read ? read(tool) : type.unknown()
}

const FUNCTION = new Set(['name', 'description', 'parameters', 'strict', 'cache_control'])
const AROUND = new Set(['type', 'function', 'custom', 'cache_control'])

function readFunction(field: Field, tool: Field): FunctionTool {
  const native = readNative(field, FUNCTION)
  const around = tool === field ? undefined : readNative(tool, AROUND)
  const fields = { ...native?.fields, ...around?.fields }
  return {
    type: 'function',
    name: field.get('name').text(),
    description: field.get('description').maybeText(),
    schema: field.get('parameters').maybeObject(),
    strict: field.get('strict').maybeBoolean(),
    at: tool.path,
    cache: readCache(tool) ?? readCache(field),
    native: native || around ? { protocol: LANGUAGE, fields } : undefined,
  }
}

function readLegacy(field: Field): FunctionTool {
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
    cache: readCache(tool),
  }
}

function readForeign(tool: Field): Tool {
  const kind = tool.get('type').text()
  return { type: 'foreign', protocol: LANGUAGE, kind, value: tool.value, at: tool.path }
}

function readSearch(search: Field): WebSearchTool {
  return { type: 'web-search', at: search.path, native: readNative(search, new Set()) }
}

const WORDS = new Map<string, 'auto' | 'none' | 'required'>([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  // Mistral's word.
  ['any', 'required'],
])

/** Which tools the model may or must call. */
export function readToolChoice(body: Field): ToolChoice | undefined {
  const choice = body.get('tool_choice')
  const legacy = body.get('function_call')
  if (choice.given) return typeof choice.value === 'string' ? word(choice) : readNamed(choice)
  if (!legacy.given) return undefined
  return typeof legacy.value === 'string' ? word(legacy) : { type: 'tool', name: nameIn(legacy) }
}

function word(choice: Field): ToolChoice {
  const type = WORDS.get(choice.text())
  return type ? { type } : choice.unknown('one of none, auto, required')
}

function readNamed(choice: Field): ToolChoice {
  choice.object()
  const type = choice.get('type').oneOf(['function', 'custom', 'allowed_tools'])
  if (type !== 'allowed_tools') return { type: 'tool', name: nameIn(choice.get(type)) }
  const allowed = choice.get(type)
  const names = allowed.get('tools').list()
  return {
    type: 'allowed',
    mode: allowed.get('mode').oneOf(['auto', 'required']),
    names: names.map((tool) => nameIn(tool.get(tool.get('type').oneOf(['function', 'custom'])))),
  }
}

function nameIn(field: Field): string {
  field.object()
  return field.get('name').text()
}
