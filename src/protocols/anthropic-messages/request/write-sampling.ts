import type { ChatRequest } from '../../../chat/request.js'
import { acceptedSampling } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'

/** Temperature and the like, as far as the model takes them: while it thinks, none but the usual. */
export function writeSampling(request: ChatRequest, isThinking: boolean, writing: WriteOptions): object {
  const { dialect, losses } = writing
  const { temperature, topP, topK } = isThinking
    ? acceptedSampling(request, { sampling: 'none' }, losses, 'is not taken with reasoning')
    : acceptedSampling(request, dialect, losses)
  if (temperature !== undefined && temperature > 1) losses.setting('temperature', 'is at most 1 here')
  return {
    ...stopOf(request, writing),
    ...(temperature !== undefined && { temperature: Math.min(1, temperature) }),
    ...(topP !== undefined && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
  }
}

/** Sequences of white space are refused. */
function stopOf({ stop }: ChatRequest, { losses }: WriteOptions): object {
  const stop_sequences = stop.filter((sequence) => sequence.trim() !== '')
  if (stop_sequences.length < stop.length) losses.setting('stop', 'a sequence of white space is not taken')
  return stop_sequences.length > 0 ? { stop_sequences } : {}
}
