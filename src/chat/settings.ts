import { asksToReason } from './effort.js'
import type { Losses } from './losses.js'
import type { ChatRequest } from './request.js'

/** What a request asks for beside the conversation itself. */
export type Setting = Exclude<
  keyof ChatRequest,
  'stream' | 'turns' | 'tools' | 'cache' | 'cacheKey' | 'wantsUsage' | 'native'
>

/** How a language spells the settings that it has: `{ topP: 'generationConfig.topP' }`. */
export type SettingNames = Readonly<Partial<Record<Setting, string>>>

type Value<Name extends Setting> = NonNullable<ChatRequest[Name]>

/** Above this, leaving unlikely words out changes nothing. */
const ALL_WORDS = 0.99

const never = (): boolean => false

/** Whether a value says no more than its absence. */
const HARMLESS: { readonly [Name in Setting]: (value: Value<Name>, request: ChatRequest) => boolean } = {
  topK: never,
  temperature: (value) => value === 1,
  topP: (value) => value >= ALL_WORDS,
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
  // No answer depends on who is said to ask.
  userId: () => true,
}

const NAMES = Object.keys(HARMLESS) as Setting[]

/** Whether what is given of a setting says no more than its absence. */
export function isHarmless<Name extends Setting>(name: Name, request: ChatRequest): boolean {
  const value = request[name]
  return value === undefined || HARMLESS[name](value as Value<Name>, request)
}

/** Tells of the settings that a language has no word for. @throws {RelayError} for several answers where it gives one */
export function declareSettings(request: ChatRequest, sayable: ReadonlySet<Setting>, losses: Losses): void {
  for (const name of NAMES) {
    if (sayable.has(name) || isHarmless(name, request)) continue
    if (name === 'choices') throw losses.refusal(name, `several answers at once cannot be had in ${losses.language}`)
    losses.setting(name)
  }
}

const SAMPLING = ['temperature', 'topP', 'topK', 'frequencyPenalty', 'presencePenalty'] as const

/** How a model picks its words. */
export type Sampling = Pick<ChatRequest, (typeof SAMPLING)[number]>

/** As much of it as a model takes; of the rest it is told what would have changed something. */
export function sampled(
  request: ChatRequest,
  dialect: { readonly sampling?: 'any' | 'one' | 'none' },
  losses: Losses,
  reason = 'is not taken by this model',
): Sampling {
  if (dialect.sampling === 'none') {
    for (const name of SAMPLING) if (!isHarmless(name, request)) losses.setting(name, reason)
    return {}
  }
  const { temperature, topP, topK, frequencyPenalty, presencePenalty } = request
  const all = { temperature, topP, topK, frequencyPenalty, presencePenalty }
  if (dialect.sampling !== 'one' || temperature === undefined || topP === undefined) return all
  // Of the two the one that changes something is meant.
  if (temperature === 1) return { ...all, temperature: undefined }
  if (!isHarmless('topP', request)) losses.setting('topP', 'is not taken together with temperature')
  return { ...all, topP: undefined }
}
