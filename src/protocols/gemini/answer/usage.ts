import { count, countParts, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/** Reads `usageMetadata`: what tools brought in is read by the model too, and thoughts stand beside the answer. */
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

/** Of the input that `usageMetadata` tells of, the tokens of images. */
export function imageInputOf(value: unknown): number {
  return isObject(value) ? tokensOf('IMAGE', value.promptTokensDetails) : 0
}

/** Writes `usageMetadata`. Of its details, those that are known: text is what they leave. */
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

/** Details are a list of counts, one a modality. */
function tokensOf(modality: string, details: unknown): number {
  if (!Array.isArray(details)) return 0
  const own: unknown = details.find((detail) => isObject(detail) && detail.modality === modality)
  return isObject(own) ? count(own.tokenCount) : 0
}

function writeDetails(name: string, counts: Readonly<Record<string, number | undefined>>): Record<string, object> {
  const details = Object.entries(counts).flatMap(([modality, tokenCount]) =>
    tokenCount ? [{ modality, tokenCount }] : [],
  )
  return details.length > 0 ? { [name]: details } : {}
}
