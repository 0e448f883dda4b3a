import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../../chat/request.js'
import type { WriteOptions } from '../../protocol.js'
import { writeCache } from '../cache-control.js'
import { nativeFields } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { objectSchema } from './schema.js'

/** Returns `tools` and `tool_choice`, or an empty object without tools. */
export function writeTools(request: ChatRequest, options: WriteOptions): object {
  const { toolChoice } = request
  const allowed = toolChoice?.type === 'allowed' ? new Set(toolChoice.names) : undefined
  const wanted = request.tools.filter((tool) => !allowed || ('name' in tool && allowed.has(tool.name)))
  const tools = wanted.flatMap((tool) => writeTool(tool, options) ?? [])
  if (tools.length > 0) return { tools, ...writeChoice(request) }
  const called = calledTools(request)
  // Anthropic refuses a history with calls if no tools are declared. The model may call none of these.
  return called.length > 0 ? { tools: called, tool_choice: { type: 'none' } } : {}
}

function writeTool(tool: Tool, { losses }: WriteOptions): object | undefined {
  if (tool.type === 'function') return writeFunction(tool)
  if (tool.type === 'web-search') {
    return { type: 'web_search_20250305', name: 'web_search', ...nativeFields(tool.native) }
  }
  if (tool.type === 'foreign' && tool.protocol === PROTOCOL_ID) return tool.value as object
  losses.noEquivalent(tool.at)
  return undefined
}

function writeFunction({ name, description, schema, strict, cache, native }: FunctionTool): object {
  return {
    name,
    description,
    input_schema: objectSchema(schema),
    ...(strict === true && { strict }),
    ...nativeFields(native),
    ...writeCache(cache),
  }
}

function calledTools({ turns }: ChatRequest): object[] {
  const blocks = turns.flatMap((turn) => turn.blocks)
  const names = new Set(blocks.flatMap((block) => (block.type === 'tool-call' ? [block.name] : [])))
  return [...names].map((name) => ({ name, input_schema: { type: 'object' } }))
}

/** Whether the model must call a tool. Thinking with a budget is then not allowed. */
export function isForced(choice: ToolChoice | undefined): boolean {
  if (choice?.type === 'allowed') return choice.mode === 'required'
  return choice?.type === 'required' || choice?.type === 'tool'
}

const TYPES = { auto: 'auto', none: 'none', required: 'any' } as const

function writeChoice({ toolChoice, parallelToolCalls }: ChatRequest): object {
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {}
  if (!toolChoice) return parallelToolCalls === false ? { tool_choice: { type: 'auto', ...single } } : {}
  if (toolChoice.type === 'tool') return { tool_choice: { type: 'tool', name: toolChoice.name, ...single } }
  const type = TYPES[toolChoice.type === 'allowed' ? toolChoice.mode : toolChoice.type]
  return { tool_choice: type === 'none' ? { type } : { type, ...single } }
}
