import { count, countParts, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/** Reads `usageMetadata`. Input includes the results of hosted tools; output includes thoughts. */
export function readUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined
  const reasoning = count(value.thoughtsTokenCount)
  return {
    input: count(value.promptTokenCount) + count(value.toolUsePromptTokenCount),
    cachedInput: count(value.cachedContentTokenCount),
    cacheWriteInput: 0,
    output: count(value.candidatesTokenCount) + reasoning,
    reasoning,
    ...countParts({
      audioInput: tokensOf('AUDIO', value.promptTokensDetails) + tokensOf('AUDIO', value.toolUsePromptTokensDetails),
      cachedAudioInput: tokensOf('AUDIO', value.cacheTokensDetails),
      audioOutput: tokensOf('AUDIO', value.candidatesTokensDetails),
      imageOutput: tokensOf('IMAGE', value.candidatesTokensDetails),
    }),
  }
}

/** The image tokens of the prompt in `usageMetadata`. */
export function imageInputOf(value: unknown): number {
  return isObject(value) ? tokensOf('IMAGE', value.promptTokensDetails) : 0
}

/** Writes `usageMetadata`. Its details count audio and images; the rest of each total is text. */
export function writeUsage(usage: Usage): Record<string, unknown> {
  const { input, cachedInput, output, reasoning, audioInput, cachedAudioInput, audioOutput, imageOutput } = usage
  return {
    promptTokenCount: input,
    ...(cachedInput > 0 ? { cachedContentTokenCount: cachedInput } : {}),
    candidatesTokenCount: Math.max(0, output - reasoning),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
    totalTokenCount: input + output,
    ...writeDetails('promptTokensDetails', { AUDIO: audioInput }),
    ...writeDetails('cacheTokensDetails', { AUDIO: cachedAudioInput }),
    ...writeDetails('candidatesTokensDetails', { AUDIO: audioOutput, IMAGE: imageOutput }),
  }
}

/** The tokens of one modality in a list of details. */
function tokensOf(modality: string, details: unknown): number {
  if (!Array.isArray(details)) return 0
  const found: unknown = details.find((detail) => isObject(detail) && detail.modality === modality)
  return isObject(found) ? count(found.tokenCount) : 0
}

function writeDetails(name: string, counts: Readonly<Record<string, number | undefined>>): Record<string, object> {
  const details = Object.entries(counts).flatMap(([modality, tokenCount]) =>
    tokenCount ? [{ modality, tokenCount }] : [],
  )
  return details.length > 0 ? { [name]: details } : {}
}
