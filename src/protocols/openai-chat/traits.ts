import type { SettingNames } from '../../chat/request.js'
import type { Traits } from '../../chat/traits.js'

/** Marks native fields, signatures and losses of this protocol. */
export const PROTOCOL_ID = 'openai-chat'

/**
 * What the protocol can express. It has custom tools, with plain-text input, but only OpenAI accepts them. Functions are
 * accepted everywhere, so custom tools are written as functions.
 */
export const traits: Traits = {
  toolName: { pattern: /^[\w-]+$/, maxLength: 64 },
  toolId: { pattern: /^[\x21-\x7e]+$/, maxLength: 40 },
  freeformTools: false,
  toolNamespaces: false,
  objectInput: false,
  stopSequences: 4,
  mediaByUrl: ['image'],
}

/** The protocol's own names for settings. */
export const settingNames: SettingNames = {
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
