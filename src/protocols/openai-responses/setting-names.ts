import type { SettingNames } from '../../chat/request.js'

/** What callers call the settings. */
export const spelling: SettingNames = {
  maxOutputTokens: 'max_output_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  logprobs: 'top_logprobs',
  format: 'text.format',
  verbosity: 'text.verbosity',
  reasoning: 'reasoning',
  userId: 'safety_identifier',
  metadata: 'metadata',
  serviceTier: 'service_tier',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
}
