import type { Losses } from './losses.js'
import { asksToReason } from './reasoning.js'
import type { ChatRequest, Setting } from './request.js'

type Value<Name extends Setting> = NonNullable<ChatRequest[Name]>

/** From this value on, `topP` excludes practically no token. */
const ALL_TOKENS = 0.99

const never = (): boolean => false

/** Whether a value has no effect, so that dropping it is no loss. */
const HAS_NO_EFFECT: { readonly [Name in Setting]: (value: Value<Name>, request: ChatRequest) => boolean } = {
  topK: never,
  temperature: (value) => value === 1,
  topP: (value) => value >= ALL_TOKENS,
  frequencyPenalty: (value) => value === 0,
  presencePenalty: (value) => value === 0,
  seed: never,
  stop: ({ length }) => length === 0,
  choices: (value) => value === 1,
  logprobs: never,
  maxOutputTokens: never,
  format: ({ type }) => type === 'text',
  verbosity: never,
  reasoning: (value) => !asksToReason(value),
  modalities: (kinds) => kinds.every((kind) => kind === 'text'),
  metadata: (value) => Object.keys(value).length === 0,
  serviceTier: (value) => value === 'auto',
  toolChoice: ({ type }, { tools }) => type === 'auto' || tools.length === 0,
  parallelToolCalls: (value, { tools }) => value || tools.length === 0,
  // No answer depends on the user's id.
  userId: () => true,
}

const NAMES = Object.keys(HAS_NO_EFFECT) as Setting[]

/** Whether the request's value of a setting has no effect. */
export function hasNoEffect<Name extends Setting>(name: Name, request: ChatRequest): boolean {
  const value = request[name]
  return value === undefined || HAS_NO_EFFECT[name](value as Value<Name>, request)
}

/** Records a loss for each setting that the protocol does not have. @throws {RelayError} for several choices where it has only one */
export function recordSettings(request: ChatRequest, supported: ReadonlySet<Setting>, losses: Losses): void {
  for (const name of NAMES) {
    if (supported.has(name) || hasNoEffect(name, request)) continue
    if (name === 'choices') throw losses.refusal(name, `${losses.protocol} has no requests for several answers`)
    losses.setting(name)
  }
}

const SAMPLING = ['temperature', 'topP', 'topK', 'frequencyPenalty', 'presencePenalty'] as const

/** The sampling settings. */
export type Sampling = Pick<ChatRequest, (typeof SAMPLING)[number]>

/** The sampling settings that a model accepts. Records a loss for each other setting that has an effect. */
export function acceptedSampling(
  request: ChatRequest,
  dialect: { readonly sampling?: 'any' | 'one' | 'none' },
  losses: Losses,
  reason = 'is not supported by this model',
): Sampling {
  if (dialect.sampling === 'none') {
    for (const name of SAMPLING) if (!hasNoEffect(name, request)) losses.setting(name, reason)
    return {}
  }
  const { temperature, topP, topK, frequencyPenalty, presencePenalty } = request
  const all = { temperature, topP, topK, frequencyPenalty, presencePenalty }
  if (dialect.sampling !== 'one' || temperature === undefined || topP === undefined) return all
  // The model accepts one of the two: keep the one that has an effect.
  if (temperature === 1) return { ...all, temperature: undefined }
  if (!hasNoEffect('topP', request)) losses.setting('topP', 'is not supported together with temperature')
  return { ...all, topP: undefined }
}
