import type { ChatRequest } from '../../../chat/request.js'
import { acceptedSampling } from '../../../chat/settings.js'
import type { Field } from '../../field.js'
import type { WriteOptions } from '../../protocol.js'

type Sampling = Pick<
  ChatRequest,
  | 'maxOutputTokens'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'seed'
  | 'stop'
  | 'choices'
  | 'logprobs'
>

/** Reads sampling settings and limits. A penalty of 0 and one choice are defaults, so they count as not given. */
export function readSampling(body: Field): Sampling {
  const choices = body.get('n').maybeInteger()
  if (choices !== undefined && choices < 1) body.get('n').fail('at least one choice is needed')
  return {
    maxOutputTokens: body.get('max_completion_tokens').maybeInteger() ?? body.get('max_tokens').maybeInteger(),
    temperature: body.get('temperature').maybeNumber(),
    topP: body.get('top_p').maybeNumber(),
    topK: body.get('top_k').maybeInteger(),
    frequencyPenalty: body.get('frequency_penalty').maybeNumber() || undefined,
    presencePenalty: body.get('presence_penalty').maybeNumber() || undefined,
    seed: body.get('seed').maybeInteger(),
    stop: readStop(body.get('stop')),
    choices: choices === 1 ? undefined : choices,
    logprobs: readLogprobs(body),
  }
}

function readStop(stop: Field): string[] {
  if (typeof stop.value === 'string') return [stop.value]
  return stop.maybeList().map((sequence) => sequence.text())
}

function readLogprobs(body: Field): number | undefined {
  const top = body.get('top_logprobs').maybeInteger()
  return body.get('logprobs').maybeBoolean() ? (top ?? 0) : undefined
}

/** Writes the sampling settings that the upstream accepts, and records the others as losses. */
export function writeSampling(request: ChatRequest, { dialect, losses }: WriteOptions): object {
  const { temperature, topP, frequencyPenalty, presencePenalty } = acceptedSampling(request, dialect, losses)
  return {
    temperature,
    top_p: topP,
    frequency_penalty: frequencyPenalty,
    presence_penalty: presencePenalty,
    seed: request.seed,
    stop: request.stop.length > 0 ? request.stop : undefined,
    n: request.choices,
  }
}

/** Writes `logprobs` and `top_logprobs`, which the completions endpoint has in another form. */
export function writeLogprobs({ logprobs }: Sampling): object {
  if (logprobs === undefined) return {}
  return { logprobs: true, ...(logprobs > 0 && { top_logprobs: logprobs }) }
}
