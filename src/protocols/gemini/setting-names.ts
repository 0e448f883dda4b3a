import type { SettingNames } from '../../chat/request.js'

/** What callers call the settings. */
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
