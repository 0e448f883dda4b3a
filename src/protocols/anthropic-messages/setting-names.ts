import type { SettingNames } from '../../chat/request.js'

/** What callers call the settings. */
export const settingNames: SettingNames = {
  maxOutputTokens: 'max_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  format: 'output_config.format',
  reasoning: 'thinking',
  userId: 'metadata.user_id',
  serviceTier: 'service_tier',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
}
