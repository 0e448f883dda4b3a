import type { ChatRequest, FunctionTool, Tool, ToolChoice } from '../../../chat/request.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFieldsOf } from '../field-names.js'
import { PROTOCOL_ID } from '../traits.js'
import { TOOL_PREFIX } from './read-tools.js'
import { isBare, writeSchema } from './write-schema.js'

type Fields = Record<string, unknown>

/** Writes the tools of a request, functions first. Undefined without tools. */
export function writeTools(request: ChatRequest, options: WriteOptions): readonly Fields[] | undefined {
  const functions: Fields[] = []
  const others: Fields[] = []
  for (const tool of request.tools) {
    if (tool.type === 'function') functions.push(writeFunction(tool, options))
    else others.push(...writeOther(tool, options))
  }
  const written = functions.length > 0 ? [{ functionDeclarations: functions }, ...others] : others
  return written.length > 0 ? written : undefined
}

function writeFunction(tool: FunctionTool, { dialect }: WriteOptions): Fields {
  const { name, description, schema, native } = tool
  const kind = dialect.toolSchemas ?? 'full'
  // An object without properties may be refused; left out it means the same.
  const parameters = schema && !isBare(schema) ? writeSchema(schema, kind) : undefined
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { [kind === 'full' ? 'parametersJsonSchema' : 'parameters']: parameters }),
    ...nativeFieldsOf(native),
  }
}

function writeOther(tool: Exclude<Tool, FunctionTool>, { losses }: WriteOptions): Fields[] {
  if (tool.type === 'web-search') return [{ googleSearch: nativeFieldsOf(tool.native) }]
  if (tool.type === 'foreign' && tool.protocol === PROTOCOL_ID) return [tool.value as Fields]
  losses.noEquivalent(tool.at)
  return []
}

/** Writes `toolConfig`. Undefined where nothing is set. */
export function writeChoice(request: ChatRequest): Fields | undefined {
  const { toolChoice, tools } = request
  const more = nativeFieldsOf(request.native, TOOL_PREFIX)
  const hasFunctions = tools.some(({ type }) => type === 'function')
  const calling = toolChoice && hasFunctions ? { functionCallingConfig: callingConfig(toolChoice) } : {}
  const written = { ...more, ...calling }
  return Object.keys(written).length > 0 ? written : undefined
}

const MODES = { auto: 'AUTO', none: 'NONE', required: 'ANY' } as const

function callingConfig(choice: ToolChoice): Fields {
  if (choice.type === 'tool') return { mode: 'ANY', allowedFunctionNames: [choice.name] }
  if (choice.type !== 'allowed') return { mode: MODES[choice.type] }
  return { mode: choice.mode === 'required' ? 'ANY' : 'VALIDATED', allowedFunctionNames: choice.names }
}
