import { NO_USAGE, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'
import type { AnswerContext } from '../../protocol.js'
import { echoOf } from './echo.js'
import { writeUsage } from './usage.js'

/** What of a response changes while it is written. */
export interface Progress {
  readonly status: string
  readonly output: readonly object[]
  readonly usage?: Usage | undefined
  readonly incomplete_details?: object | null
  readonly error?: object
}

/** A response, with all that its official type wants. What the caller gave is repeated as it was given. */
export function writeResponse(answering: AnswerContext, model: string, progress: Progress): object {
  const { instructions, metadata, tools, text, reasoning, ...echo } = echoOf(answering.request.native)
  return {
    id: `resp_${answering.id}`,
    object: 'response',
    created_at: answering.createdAt,
    status: progress.status,
    background: false,
    error: progress.error ?? null,
    incomplete_details: progress.incomplete_details ?? null,
    instructions: instructions ?? null,
    max_output_tokens: null,
    max_tool_calls: null,
    model,
    output: progress.output,
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
    ...echo,
    usage: writeProgress(progress),
    metadata: metadata ?? {},
    access_programs: null,
  }
}

/** What the upstream did not count stands as nothing: clients read the counts of a finished response unasked. */
function writeProgress({ status, usage }: Progress): object | null {
  return status === 'in_progress' ? null : writeUsage(usage ?? NO_USAGE)
}

/** The type of a function wants these, also where the caller left them out. */
function repeatTool(tool: unknown): unknown {
  if (!isObject(tool) || tool.type !== 'function') return tool
  return { description: null, parameters: null, strict: null, ...tool }
}
