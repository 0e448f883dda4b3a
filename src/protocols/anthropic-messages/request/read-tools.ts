import type { ChatRequest, Tool } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readCache } from '../cache-control.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

const KNOWN: ReadonlySet<string> = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control'])
const KNOWN_IN_SEARCH: ReadonlySet<string> = new Set(['type', 'name', 'cache_control'])
const SEARCH = /^web_search_\d{8}$/
/** Types of Anthropic's own tools end with the date of their version, except `mcp_toolset`. */
const FOREIGN = /_\d{8}$|^mcp_toolset$/

/** Reads `tools`. */
export function readTools(tools: Field): Tool[] {
  return tools.maybeList().map(readTool)
}

function readTool(tool: Field): Tool {
  tool.object()
  const at = tool.path
  const type = tool.get('type').maybeText() ?? 'custom'
  if (type === 'custom') return readFunction(tool)
  if (SEARCH.test(type)) return { type: 'web-search', at, native: readNative(tool.value, KNOWN_IN_SEARCH) }
  if (!FOREIGN.test(type)) tool.get('type').failUnknown()
  return { type: 'foreign', protocol: PROTOCOL_ID, kind: type, value: tool.value, at }
}

function readFunction(tool: Field): Tool {
  const name = tool.get('name')
  return {
    type: 'function',
    name: name.text() || name.fail('must not be empty'),
    description: tool.get('description').maybeText(),
    schema: tool.get('input_schema').object(),
    strict: tool.get('strict').maybeBoolean(),
    at: tool.path,
    cache: readCache(tool.get('cache_control').maybeObject()),
    native: readNative(tool.value, KNOWN),
  }
}

/** Reads `tool_choice`, which also allows or forbids parallel calls. */
export function readToolChoice(choice: Field): Pick<ChatRequest, 'toolChoice' | 'parallelToolCalls'> {
  if (!choice.given) return {}
  choice.object()
  const type = choice.get('type').oneOf(['auto', 'any', 'tool', 'none'])
  const parallelToolCalls = choice.get('disable_parallel_tool_use').maybeBoolean() === true ? false : undefined
  if (type === 'tool') return { toolChoice: { type, name: choice.get('name').text() }, parallelToolCalls }
  return { toolChoice: { type: type === 'any' ? 'required' : type }, parallelToolCalls }
}
