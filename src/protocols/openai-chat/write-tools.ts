import type { ChatRequest, FreeformTool, FunctionTool, Tool, ToolChoice } from '../../chat/request.js'
import type { WriteOptions } from '../protocol.js'
import { LANGUAGE } from './language.js'
import { writeNative } from './native.js'

/** The tools, and which of them to call; nothing of it when there are none. */
export function writeTools(request: ChatRequest, writing: WriteOptions): object {
  const { dialect } = writing
  const { toolChoice: choice, parallelToolCalls } = request
  // Many servers know no list of allowed tools: to them the others are not shown.
  const hidden = dialect.basicFieldsOnly && choice?.type === 'allowed' ? choice : undefined
  const shown = hidden && new Set(hidden.names)
  const offered = request.tools.filter((tool) => !shown || !('name' in tool) || shown.has(tool.name))
  const tools = offered.flatMap((tool) => writeTool(tool, writing))
  const search = request.tools.find((tool) => tool.type === 'web-search')
  const options = search && { web_search_options: writeNative(search.native) }
  if (tools.length === 0) return { ...options }
  return {
    tools,
    tool_choice: hidden ? hidden.mode : choice && writeChoice(choice, request.tools),
    parallel_tool_calls: parallelToolCalls,
    ...options,
  }
}

function writeTool(tool: Tool, { losses }: WriteOptions): object[] {
  if (tool.type === 'function') return [{ type: 'function', ...writeFunction(tool) }]
  if (tool.type === 'freeform') return [writeFreeform(tool)]
  if (tool.type === 'web-search') return []
  if (tool.protocol === LANGUAGE) return [tool.value as object]
  losses.noEquivalent(tool.at)
  return []
}

function writeFunction({ name, description, schema, strict, native }: FunctionTool): object {
  return { function: { name, description, parameters: schema, strict, ...writeNative(native) } }
}

function writeFreeform({ name, description, format }: FreeformTool): object {
  const { type, ...grammar } = format ?? { type: 'text' }
  const nested = type === 'grammar' ? { type, grammar } : format
  return { type: 'custom', custom: { name, description, format: nested } }
}

function writeChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  const freeform = new Set(tools.flatMap((tool) => (tool.type === 'freeform' ? [tool.name] : [])))
  const named = (name: string): object =>
    freeform.has(name) ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } }
  if (choice.type === 'tool') return named(choice.name)
  if (choice.type !== 'allowed') return choice.type
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: choice.names.map(named) } }
}
