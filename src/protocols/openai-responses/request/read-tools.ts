import type { Tool, ToolChoice } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { ID, nativeOf } from '../native.js'

/** The tools of a list, those in groups each for itself. */
export function readTools(list: readonly Field[]): Tool[] {
  return list.flatMap(readTool)
}

function readTool(tool: Field): Tool[] {
  const type = tool.get('type')
  const kind = type.text()
  if (kind === 'namespace') return readNamespace(tool)
  if (kind === 'function') return [readFunction(tool, undefined)]
  if (kind === 'custom') return [readCustom(tool, undefined)]
  if (SEARCH.test(kind)) return [readSearch(tool, kind)]
  if (!BUILT_IN.has(kind)) type.failUnknown()
  return [{ type: 'foreign', protocol: ID, kind, value: tool.value, at: tool.path }]
}

const SEARCH = /^web_search(_preview)?(_\d{4}_\d\d_\d\d)?$/

/** What runs at the provider, or in its clients' own words. */
const BUILT_IN = new Set([
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

const FUNCTION = new Set(['type', 'name', 'description', 'parameters', 'strict'])
const CUSTOM = new Set(['type', 'name', 'description', 'format'])
const CHOSEN = new Set(['type'])

function readFunction(tool: Field, namespace: string | undefined): Tool {
  return {
    type: 'function',
    ...named(tool, namespace),
    schema: tool.get('parameters').maybeObject(),
    strict: tool.get('strict').maybeBoolean(),
    native: nativeOf(tool.object(), FUNCTION),
  }
}

function readCustom(tool: Field, namespace: string | undefined): Tool {
  return {
    type: 'freeform',
    ...named(tool, namespace),
    format: tool.get('format').maybeObject(),
    native: nativeOf(tool.object(), CUSTOM),
  }
}

function named(tool: Field, namespace: string | undefined): Pick<Extract<Tool, { name: string }>, 'name' | 'at'> {
  const name = tool.get('name')
  if (name.text() === '') name.fail('must not be empty')
  const description = tool.get('description').maybeText()
  return { name: name.text(), ...(description && { description }), ...(namespace && { namespace }), at: tool.path }
}

/** The group's description stands with its first tool, so that it is a loss once. */
function readNamespace(group: Field): Tool[] {
  const namespace = group.get('name').text()
  const description = group.get('description').maybeText()
  return group
    .get('tools')
    .list()
    .map((tool, index) => {
      const type = tool.get('type')
      const read = NAMED.get(type.text()) ?? type.failUnknown()
      const child = read(tool, namespace)
      if (index > 0 || !description || child.type === 'foreign') return child
      return { ...child, native: { protocol: ID, fields: { ...child.native?.fields, [GROUP]: description } } }
    })
}

/** Under this name the description of a tool's group goes with the tool. */
export const GROUP = 'namespace_description'

const NAMED: ReadonlyMap<string, (tool: Field, namespace: string | undefined) => Tool> = new Map([
  ['function', readFunction],
  ['custom', readCustom],
])

function readSearch(tool: Field, kind: string): Tool {
  const native = nativeOf(tool.object(), CHOSEN)
  const fields = { ...(kind === 'web_search' ? {} : { type: kind }), ...native?.fields }
  const own = Object.keys(fields).length > 0 ? { protocol: ID, fields } : undefined
  return { type: 'web-search', at: tool.path, native: own }
}

/** Each tool once: a later list may repeat what an earlier one had. */
export function withoutRepeated(tools: readonly Tool[]): Tool[] {
  const seen = new Set<string>()
  return tools.filter((tool) => {
    if (!('name' in tool)) return true
    const key = JSON.stringify([tool.namespace, tool.name])
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** A choice that only this language has is undefined: it is kept as it is. */
export function readToolChoice(choice: Field): ToolChoice | undefined {
  if (!choice.given) return undefined
  if (typeof choice.value === 'string') return { type: choice.oneOf(['auto', 'none', 'required']) }
  const type = choice.get('type')
  if (type.text() === 'allowed_tools') return readAllowed(choice)
  if (NAMED.has(type.text())) {
    return { type: 'tool', name: choice.get('name').text(), namespace: choice.get('namespace').maybeText() }
  }
  if (!BUILT_IN.has(type.text()) && !SEARCH.test(type.text())) type.failUnknown()
  return undefined
}

function readAllowed(choice: Field): ToolChoice {
  const names = choice
    .get('tools')
    .list()
    .flatMap((tool) => (NAMED.has(tool.get('type').text()) ? [tool.get('name').text()] : []))
  return { type: 'allowed', mode: choice.get('mode').oneOf(['auto', 'required']), names }
}

/** Whether the neutral words say all of a choice. */
export function isWholeChoice(choice: Field): boolean {
  if (!choice.given || typeof choice.value === 'string') return true
  if (NAMED.has(choice.get('type').text())) return true
  const tools = choice.get('tools').maybeList()
  return choice.get('type').value === 'allowed_tools' && tools.every((tool) => NAMED.has(tool.get('type').text()))
}
