import type { Tool, ToolChoice } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads a list of tools. The tools of a namespace become tools of their own. @throws {RelayError} */
export function readTools(list: readonly Field[]): Tool[] {
  return list.flatMap(readTool)
}

function readTool(tool: Field): Tool[] {
  const type = tool.get('type')
  const kind = type.text()
  if (kind === 'namespace') return readNamespace(tool)
  if (kind === 'function') return [readFunction(tool, undefined)]
  if (kind === 'custom') return [readCustom(tool, undefined)]
  if (WEB_SEARCH.test(kind)) return [readWebSearch(tool, kind)]
  if (!NATIVE_TOOLS.has(kind)) type.failUnknown()
  return [{ type: 'foreign', protocol: PROTOCOL_ID, kind, value: tool.value, at: tool.path }]
}

const WEB_SEARCH = /^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/

/** Tools that only this protocol has: they run at the provider, or have a fixed format that clients know. */
const NATIVE_TOOLS = new Set([
  'file_search',
  'computer',
  'computer_use_preview',
  'mcp',
  'code_interpreter',
  'programmatic_tool_calling',
  'image_generation',
  'local_shell',
  'shell',
  'apply_patch',
  'tool_search',
])

const FUNCTION_FIELDS = new Set(['type', 'name', 'description', 'parameters', 'strict'])
const CUSTOM_FIELDS = new Set(['type', 'name', 'description', 'format'])
const WEB_SEARCH_FIELDS = new Set(['type'])

type NamedTool = Extract<Tool, { name: string }>

function readFunction(tool: Field, namespace: string | undefined): NamedTool {
  return {
    type: 'function',
    ...readCommonFields(tool, namespace),
    schema: tool.get('parameters').maybeObject(),
    strict: tool.get('strict').maybeBoolean(),
    native: readNative(tool.object(), FUNCTION_FIELDS),
  }
}

function readCustom(tool: Field, namespace: string | undefined): NamedTool {
  return {
    type: 'freeform',
    ...readCommonFields(tool, namespace),
    format: tool.get('format').maybeObject(),
    native: readNative(tool.object(), CUSTOM_FIELDS),
  }
}

function readCommonFields(tool: Field, namespace: string | undefined): Pick<NamedTool, 'name' | 'at'> {
  const name = tool.get('name')
  if (name.text() === '') name.fail('must not be empty')
  const description = tool.get('description').maybeText()
  return { name: name.text(), ...(description && { description }), ...(namespace && { namespace }), at: tool.path }
}

/** Reads the tools of a namespace. Only the first gets the namespace's description, so that it is one loss at most. */
function readNamespace(field: Field): Tool[] {
  const namespace = field.get('name').text()
  const description = field.get('description').maybeText()
  return field
    .get('tools')
    .list()
    .map((toolField, index) => {
      const type = toolField.get('type')
      const read = NAMED_TOOL_READERS.get(type.text()) ?? type.failUnknown()
      const tool = read(toolField, namespace)
      if (index > 0 || !description) return tool
      const fields = { ...tool.native?.fields, [NAMESPACE_DESCRIPTION]: description }
      return { ...tool, native: { protocol: PROTOCOL_ID, fields } }
    })
}

/** The native field of a tool that holds the description of its namespace. */
export const NAMESPACE_DESCRIPTION = 'namespace_description'

/** Readers of the tools that a client defines. */
const NAMED_TOOL_READERS: ReadonlyMap<string, (tool: Field, namespace: string | undefined) => NamedTool> = new Map([
  ['function', readFunction],
  ['custom', readCustom],
])

/** Keeps the type of a dated or preview version as a native field. */
function readWebSearch(tool: Field, type: string): Tool {
  const native = readNative(tool.object(), WEB_SEARCH_FIELDS)
  const fields = { ...(type === 'web_search' ? {} : { type }), ...native?.fields }
  const isEmpty = Object.keys(fields).length === 0
  return { type: 'web-search', at: tool.path, native: isEmpty ? undefined : { protocol: PROTOCOL_ID, fields } }
}

/** Keeps the first of several tools with the same name, because lists in the input may repeat tools. */
export function withoutDuplicates(tools: readonly Tool[]): Tool[] {
  const seen = new Set<string>()
  return tools.filter((tool) => {
    if (!('name' in tool)) return true
    const key = JSON.stringify([tool.namespace, tool.name])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** Reads `tool_choice`. Undefined for a native tool, whose choice becomes a native field. @throws {RelayError} */
export function readToolChoice(choice: Field): ToolChoice | undefined {
  if (!choice.given) return undefined
  if (typeof choice.value === 'string') return { type: choice.oneOf(['auto', 'none', 'required']) }
  const type = choice.get('type')
  if (type.text() === 'allowed_tools') return readAllowedTools(choice)
  if (NAMED_TOOL_READERS.has(type.text())) {
    return { type: 'tool', name: choice.get('name').text(), namespace: choice.get('namespace').maybeText() }
  }
  if (!NATIVE_TOOLS.has(type.text()) && !WEB_SEARCH.test(type.text())) type.failUnknown()
  return undefined
}

function readAllowedTools(choice: Field): ToolChoice {
  const names = choice
    .get('tools')
    .list()
    .flatMap((tool) => (NAMED_TOOL_READERS.has(tool.get('type').text()) ? [tool.get('name').text()] : []))
  return { type: 'allowed', mode: choice.get('mode').oneOf(['auto', 'required']), names }
}

/** Whether {@link readToolChoice} reads the whole choice: it chooses no native tool. */
export function isNeutralChoice(choice: Field): boolean {
  if (!choice.given || typeof choice.value === 'string') return true
  if (NAMED_TOOL_READERS.has(choice.get('type').text())) return true
  const tools = choice.get('tools').maybeList()
  const areNamed = tools.every((tool) => NAMED_TOOL_READERS.has(tool.get('type').text()))
  return choice.get('type').value === 'allowed_tools' && areNamed
}
