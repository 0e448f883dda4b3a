import { NO_USAGE, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'
import type { AnswerContext } from '../../protocol.js'
import { repeatedFieldsOf } from './repeated-fields.js'
import { writeUsage } from './usage.js'

/** The fields of a response that change while it is streamed. */
export interface ResponseState {
  readonly status: string
  readonly output: readonly object[]
  readonly usage?: Usage | undefined
  readonly incomplete_details?: object | null
  readonly error?: object
}

/** Writes a response with all fields of its SDK type. Repeats the caller's settings unchanged. */
export function writeResponse(context: AnswerContext, model: string, state: ResponseState): object {
  const { instructions, metadata, tools, text, reasoning, ...repeated } = repeatedFieldsOf(context.request.native)
  return {
    id: `resp_${context.id}`,
    object: 'response',
    created_at: context.createdAt,
    status: state.status,
    background: false,
    error: state.error ?? null,
    incomplete_details: state.incomplete_details ?? null,
    instructions: instructions ?? null,
    max_output_tokens: null,
    max_tool_calls: null,
    model,
    output: state.output,
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null, ...(reasoning as object | undefined) },
    safety_identifier: null,
    service_tier: 'default',
    store: false,
    temperature: 1,
    text: { format: { type: 'text' }, ...(text as object | undefined) },
    tool_choice: 'auto',
    tools: Array.isArray(tools) ? tools.map(repeatTool) : [],
    top_logprobs: 0,
    top_p: 1,
    truncation: 'disabled',
    ...repeated,
    usage: writeFinalUsage(state),
    metadata: metadata ?? {},
    access_programs: null,
  }
}

/** Without usage, a finished response gets counts of 0, because clients read them without a check. */
function writeFinalUsage({ status, usage }: ResponseState): object | null {
  return status === 'in_progress' ? null : writeUsage(usage ?? NO_USAGE)
}

/** Adds the fields of a function that its SDK type requires. */
function repeatTool(tool: unknown): unknown {
  if (!isObject(tool) || tool.type !== 'function') return tool
  return { description: null, parameters: null, strict: null, ...tool }
}
