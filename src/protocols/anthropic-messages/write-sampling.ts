import type { ChatRequest } from '../../chat/request.js'
import type { Writing } from '../protocol.js'

/** Above this, leaving unlikely words out changes nothing. */
const ALL_WORDS = 0.99

/** Temperature and the like, as far as the model takes them: while it thinks, none but the usual. */
export function writeSampling(request: ChatRequest, isThinking: boolean, writing: Writing): object {
  return {
    ...stopOf(request, writing),
    ...(writing.dialect.sampling === 'none' || isThinking
      ? unsampled(request, isThinking, writing)
      : sampled(request, writing)),
  }
}

function unsampled({ temperature = 1, topP = 1, topK }: ChatRequest, isThinking: boolean, { losses }: Writing): object {
  const reason = isThinking ? 'is not taken with reasoning' : 'is not taken by the model'
  if (temperature !== 1) losses.add('temperature', reason)
  if (topP < ALL_WORDS) losses.add('top_p', reason)
  if (topK !== undefined) losses.add('top_k', reason)
  return {}
}

function sampled({ temperature, topP, topK }: ChatRequest, { dialect, losses }: Writing): object {
  if (temperature !== undefined && temperature > 1) losses.add('temperature', 'is at most 1 here')
  const both = dialect.sampling === 'one' && temperature !== undefined && topP !== undefined
  // Of the two the one that changes something is meant.
  const byTemperature = !both || temperature !== 1
  const byWords = !both || !byTemperature
  if (!byWords && topP < ALL_WORDS) losses.add('top_p', 'is not taken together with temperature')
  return {
    ...(temperature !== undefined && byTemperature && { temperature: Math.min(1, temperature) }),
    ...(topP !== undefined && byWords && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
  }
}

/** Sequences of white space are refused. */
function stopOf({ stop }: ChatRequest, { losses }: Writing): object {
  const stop_sequences = stop.filter((sequence) => sequence.trim() !== '')
  if (stop_sequences.length < stop.length) losses.add('stop', 'a sequence of white space is not taken')
  return stop_sequences.length > 0 ? { stop_sequences } : {}
}
