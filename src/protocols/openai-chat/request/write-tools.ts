import type { ChatRequest, FreeformTool, FunctionTool, Tool, ToolChoice } from '../../../chat/request.js'
import type { WriteOptions } from '../../protocol.js'
import { writeNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'

/** Writes tools and tool choice. Writes no tool choice without tools, because upstreams refuse that. */
export function writeTools(request: ChatRequest, options: WriteOptions): object {
  const { dialect } = options
  const { toolChoice: choice, parallelToolCalls } = request
  // Many servers do not know `allowed_tools`, so they get only the tools that are allowed.
  const allowedOnly = dialect.basicFieldsOnly && choice?.type === 'allowed' ? choice : undefined
  const allowedNames = allowedOnly && new Set(allowedOnly.names)
  const offered = request.tools.filter((tool) => !allowedNames || !('name' in tool) || allowedNames.has(tool.name))
  const tools = offered.flatMap((tool) => writeTool(tool, options))
  const search = request.tools.find((tool) => tool.type === 'web-search')
  const webSearch = search && { web_search_options: writeNative(search.native) }
  if (tools.length === 0) return { ...webSearch }
  return {
    tools,
    tool_choice: allowedOnly ? allowedOnly.mode : choice && writeChoice(choice, request.tools),
    parallel_tool_calls: parallelToolCalls,
    ...webSearch,
  }
}

function writeTool(tool: Tool, { losses }: WriteOptions): object[] {
  if (tool.type === 'function') return [{ type: 'function', ...writeFunction(tool) }]
  if (tool.type === 'freeform') return [writeFreeform(tool)]
  if (tool.type === 'web-search') return []
  if (tool.protocol === PROTOCOL_ID) return [tool.value as object]
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
  const namedTool = (name: string): object =>
    freeform.has(name) ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } }
  if (choice.type === 'tool') return namedTool(choice.name)
  if (choice.type !== 'allowed') return choice.type
  return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: choice.names.map(namedTool) } }
}
