import type { Losses } from '../../../chat/losses.js'
import type { ChatRequest, Tool, ToolChoice } from '../../../chat/request.js'
import { ID, ownFields } from '../native.js'
import { GROUP } from './read-tools.js'

/** Tools, those of one group together where the first of it stood. What cannot be said is declared. */
export function writeTools(tools: readonly Tool[], losses: Losses): object[] {
  const written: object[] = []
  const groups = new Map<string, object[]>()
  for (const tool of tools) {
    const spelled = writeTool(tool, losses)
    if (!spelled) continue
    const namespace = 'name' in tool ? tool.namespace : undefined
    const group = namespace === undefined ? undefined : groups.get(namespace)
    if (namespace === undefined || !('name' in tool)) written.push(spelled)
    else if (group) group.push(spelled)
    else {
      const members = [spelled]
      groups.set(namespace, members)
      const description = ownFields(tool.native)[GROUP] ?? `Tools of ${namespace}.`
      written.push({ type: 'namespace', name: namespace, description, tools: members })
    }
  }
  return written
}

function writeTool(tool: Tool, losses: Losses): object | undefined {
  if (tool.type === 'foreign') {
    if (tool.protocol === ID) return tool.value as object
    losses.noEquivalent(tool.at)
    return undefined
  }
  const { [GROUP]: _, ...own } = ownFields(tool.native)
  if (tool.type === 'web-search') return { type: 'web_search', ...own }
  const common = { name: tool.name, ...(tool.description !== undefined && { description: tool.description }) }
  if (tool.type === 'freeform')
    return { type: 'custom', ...common, ...(tool.format && { format: tool.format }), ...own }
  const parameters = tool.schema ?? { type: 'object', properties: {} }
  // Left out, it would count as true: the other languages mean false by leaving it out.
  return { type: 'function', ...common, parameters, strict: tool.strict ?? false, ...own }
}

/** The choice among tools, in the flat form. */
export function writeToolChoice(choice: ToolChoice, { tools }: ChatRequest): unknown {
  const freeform = new Set(tools.flatMap((tool) => (tool.type === 'freeform' ? [tool.name] : [])))
  const named = (name: string): object => ({ type: freeform.has(name) ? 'custom' : 'function', name })
  if (choice.type === 'tool') {
    const { name, namespace } = choice
    return { ...named(name), ...(namespace !== undefined && { namespace }) }
  }
  if (choice.type !== 'allowed') return choice.type
  return { type: 'allowed_tools', mode: choice.mode, tools: choice.names.map(named) }
}
