import type { Losses } from '../../../chat/losses.js'
import type { ChatRequest, Tool, ToolChoice } from '../../../chat/request.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { NAMESPACE_DESCRIPTION } from './read-tools.js'

/** Writes tools. All tools of a namespace go where its first tool was. Records a loss for tools of other protocols. */
export function writeTools(tools: readonly Tool[], losses: Losses): object[] {
  const written: object[] = []
  const toolsByNamespace = new Map<string, object[]>()
  for (const tool of tools) {
    const writtenTool = writeTool(tool, losses)
    if (!writtenTool) continue
    const namespace = 'name' in tool ? tool.namespace : undefined
    const siblings = namespace === undefined ? undefined : toolsByNamespace.get(namespace)
    if (namespace === undefined || !('name' in tool)) written.push(writtenTool)
    else if (siblings) siblings.push(writtenTool)
    else {
      const members = [writtenTool]
      toolsByNamespace.set(namespace, members)
      // The description is required.
      const description = nativeFields(tool.native)[NAMESPACE_DESCRIPTION] ?? `Tools of ${namespace}.`
      written.push({ type: 'namespace', name: namespace, description, tools: members })
    }
  }
  return written
}

function writeTool(tool: Tool, losses: Losses): object | undefined {
  if (tool.type === 'foreign') {
    if (tool.protocol === PROTOCOL_ID) return tool.value as object
    losses.noEquivalent(tool.at)
    return undefined
  }
  const { [NAMESPACE_DESCRIPTION]: _, ...native } = nativeFields(tool.native)
  if (tool.type === 'web-search') return { type: 'web_search', ...native }
  const common = { name: tool.name, ...(tool.description !== undefined && { description: tool.description }) }
  if (tool.type === 'freeform')
    return { type: 'custom', ...common, ...(tool.format && { format: tool.format }), ...native }
  const parameters = tool.schema ?? { type: 'object', properties: {} }
  // The default of `strict` is true here, but false in other protocols.
  return { type: 'function', ...common, parameters, strict: tool.strict ?? false, ...native }
}

/** Writes `tool_choice`. */
export function writeToolChoice(choice: ToolChoice, { tools }: ChatRequest): unknown {
  const freeformNames = new Set(tools.flatMap((tool) => (tool.type === 'freeform' ? [tool.name] : [])))
  const writeName = (name: string): object => ({ type: freeformNames.has(name) ? 'custom' : 'function', name })
  if (choice.type === 'tool') {
    const { name, namespace } = choice
    return { ...writeName(name), ...(namespace !== undefined && { namespace }) }
  }
  if (choice.type !== 'allowed') return choice.type
  return { type: 'allowed_tools', mode: choice.mode, tools: choice.names.map(writeName) }
}
