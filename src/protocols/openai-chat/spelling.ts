import type { SettingNames } from '../../chat/request.js'

/** What callers call the settings. */
export const spelling: SettingNames = {
  maxOutputTokens: 'max_completion_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  seed: 'seed',
  stop: 'stop',
  choices: 'n',
  logprobs: 'logprobs',
  format: 'response_format',
  verbosity: 'verbosity',
  reasoning: 'reasoning_effort',
  modalities: 'modalities',
  userId: 'user',
  metadata: 'metadata',
  serviceTier: 'service_tier',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
}
