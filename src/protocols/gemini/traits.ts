import type { SettingNames } from '../../chat/request.js'
import type { Traits } from '../../chat/traits.js'

/** Marks native fields, signatures and losses of this protocol. */
export const PROTOCOL_ID = 'gemini'

/** Limits of the protocol on tools, stop sequences and media. */
export const traits: Traits = {
  toolName: { pattern: /^[A-Za-z_][A-Za-z0-9_.:-]*$/, maxLength: 64 },
  toolId: { pattern: /^.+$/s, maxLength: 256 },
  freeformTools: false,
  toolNamespaces: false,
  objectInput: true,
  stopSequences: 5,
  mediaByUrl: [],
}

/** The protocol's own names for settings. */
export const settingNames: SettingNames = {
  maxOutputTokens: 'generationConfig.maxOutputTokens',
  temperature: 'generationConfig.temperature',
  topP: 'generationConfig.topP',
  topK: 'generationConfig.topK',
  frequencyPenalty: 'generationConfig.frequencyPenalty',
  presencePenalty: 'generationConfig.presencePenalty',
  seed: 'generationConfig.seed',
  stop: 'generationConfig.stopSequences',
  choices: 'generationConfig.candidateCount',
  logprobs: 'generationConfig.logprobs',
  format: 'generationConfig.responseMimeType',
  reasoning: 'generationConfig.thinkingConfig',
  modalities: 'generationConfig.responseModalities',
  serviceTier: 'serviceTier',
  toolChoice: 'toolConfig.functionCallingConfig',
}
