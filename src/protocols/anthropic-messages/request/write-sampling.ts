import type { ChatRequest } from '../../../chat/request.js'
import { acceptedSampling } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'

/** Writes the sampling settings that the model supports. While it thinks, a model accepts only the defaults. */
export function writeSampling(request: ChatRequest, isThinking: boolean, options: WriteOptions): object {
  const { dialect, losses } = options
  const { temperature, topP, topK } = isThinking
    ? acceptedSampling(request, { sampling: 'none' }, losses, 'is not supported with reasoning')
    : acceptedSampling(request, dialect, losses)
  if (temperature !== undefined && temperature > 1)
    losses.setting('temperature', "can be at most 1 in Anthropic's protocol")
  return {
    ...stopOf(request, options),
    ...(temperature !== undefined && { temperature: Math.min(1, temperature) }),
    ...(topP !== undefined && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
  }
}

/** Anthropic refuses stop sequences of only white space. */
function stopOf({ stop }: ChatRequest, { losses }: WriteOptions): object {
  const stop_sequences = stop.filter((sequence) => sequence.trim() !== '')
  if (stop_sequences.length < stop.length) losses.setting('stop', 'a sequence of only white space is not supported')
  return stop_sequences.length > 0 ? { stop_sequences } : {}
}
