import type { SettingNames } from '../../chat/request.js'
import type { Traits } from '../../chat/traits.js'

/** Marks native fields, blocks, files and signatures of this protocol. */
export const PROTOCOL_ID = 'anthropic-messages'

/** What the protocol can express of tools. */
export const traits: Traits = {
  toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  freeformTools: false,
  toolNamespaces: false,
  objectInput: true,
}

/** The protocol's own names for settings. */
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
