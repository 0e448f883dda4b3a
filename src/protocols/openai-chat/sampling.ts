import type { ChatRequest } from '../../chat/request.js'
import type { Field } from '../field.js'
import type { Writing } from '../protocol.js'

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

/** How tokens are chosen, and how many. What says no more than its absence counts as not given. */
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
  return stop.maybeList().map((word) => word.text())
}

function readLogprobs(body: Field): number | undefined {
  const top = body.get('top_logprobs').maybeInteger()
  return body.get('logprobs').maybeBoolean() ? (top ?? 0) : undefined
}

type Row = readonly [field: string, value: number | undefined, harmless: number | undefined]

/** The same for an upstream. Where a model takes no sampling fields, those that say its default are left out in silence. */
export function writeSampling(request: Sampling, { dialect, losses }: Writing): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  const rows: readonly Row[] = [
    ['temperature', request.temperature, 1],
    ['top_p', request.topP, 1],
    ['frequency_penalty', request.frequencyPenalty, 0],
    ['presence_penalty', request.presencePenalty, 0],
  ]
  for (const [name, value, harmless] of rows) {
    if (value === undefined) continue
    if (dialect.sampling !== 'none') fields[name] = value
    else if (value !== harmless) losses.add(name, 'is not taken by this model')
  }
  if (request.topK !== undefined) losses.unsayable('top_k')
  if (request.seed !== undefined) fields.seed = request.seed
  if (request.stop.length > 0) fields.stop = request.stop
  if (request.choices !== undefined) fields.n = request.choices
  return fields
}

/** What the language has for chat alone. */
export function writeLogprobs({ logprobs }: Sampling): object {
  if (logprobs === undefined) return {}
  return { logprobs: true, ...(logprobs > 0 && { top_logprobs: logprobs }) }
}
