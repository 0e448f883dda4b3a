import type { SettingNames } from '../../chat/request.js'
import type { Traits } from '../../chat/traits.js'

/** Marks native fields, signatures and losses of this protocol. */
export const PROTOCOL_ID = 'openai-responses'

/** What the protocol can express. It has no stop sequences. */
export const traits: Traits = {
  toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  freeformTools: true,
  toolNamespaces: true,
  objectInput: false,
  stopSequences: 0,
}

/** The protocol's own names for settings. */
export const settingNames: SettingNames = {
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
