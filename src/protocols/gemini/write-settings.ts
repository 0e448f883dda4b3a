import { budgets, type Effort, effortOf, efforts, nearestEffort } from '../../chat/effort.js'
import type { ChatRequest, Reasoning } from '../../chat/request.js'
import type { Writing } from '../protocol.js'
import { SETTINGS_PREFIX } from './read-settings.js'
import { writeSchema } from './schema.js'
import { ownFields } from './spelling.js'

type Fields = Record<string, unknown>

/** So many stop sequences are taken. */
const MOST_STOPS = 5
/** Seeds are 32 bits wide. */
const LARGEST_SEED = 2 ** 31

/** A `generationConfig`; undefined when nothing is asked for. */
export function writeSettings(request: ChatRequest, writing: Writing): Fields | undefined {
  const fields: Fields = {
    maxOutputTokens: request.maxOutputTokens,
    ...sampling(request, writing),
    candidateCount: request.choices,
    stopSequences: stops(request, writing),
    ...logprobs(request),
    ...format(request, writing),
    responseModalities: modalities(request),
    thinkingConfig: thinking(request, writing),
    ...ownFields(request.native, SETTINGS_PREFIX),
  }
  for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name]
  return Object.keys(fields).length > 0 ? fields : undefined
}

const SAMPLING = [
  ['temperature', 'temperature', 'temperature'],
  ['topP', 'topP', 'top_p'],
  ['topK', 'topK', 'top_k'],
  ['frequencyPenalty', 'frequencyPenalty', 'frequency_penalty'],
  ['presencePenalty', 'presencePenalty', 'presence_penalty'],
  ['seed', 'seed', 'seed'],
] as const

function sampling(request: ChatRequest, { dialect, losses }: Writing): Fields {
  const fields: Fields = {}
  for (const [from, to, path] of SAMPLING) {
    const value = request[from]
    if (value === undefined) continue
    const wide = from === 'seed' && (value >= LARGEST_SEED || value < -LARGEST_SEED)
    if (wide) losses.add(path, 'is wider than the 32 bits that are taken')
    else if (dialect.sampling === 'none') losses.add(path, 'is not taken by this model')
    else fields[to] = value
  }
  return fields
}

function stops({ stop }: ChatRequest, { losses }: Writing): readonly string[] | undefined {
  if (stop.length > MOST_STOPS) losses.add('stop', `has more than the ${MOST_STOPS} sequences that are taken`)
  return stop.length > 0 ? stop.slice(0, MOST_STOPS) : undefined
}

function logprobs({ logprobs }: ChatRequest): Fields {
  if (logprobs === undefined) return {}
  return { responseLogprobs: true, logprobs: logprobs > 0 ? logprobs : undefined }
}

function format({ format }: ChatRequest, { dialect }: Writing): Fields {
  if (format === undefined || format.type === 'text') return {}
  const responseMimeType = 'application/json'
  if (format.type === 'json') return { responseMimeType }
  const kind = dialect.schemas ?? 'full'
  const schema = writeSchema(format.schema, kind)
  return kind === 'full'
    ? { responseMimeType, responseJsonSchema: schema }
    : { responseMimeType, responseSchema: schema }
}

function modalities({ modalities }: ChatRequest): readonly string[] | undefined {
  const onlyText = modalities === undefined || modalities.every((one) => one === 'text')
  return onlyText ? undefined : modalities.map((one) => one.toUpperCase())
}

/** The steps that a level can name. */
const LEVELS: readonly Effort[] = ['minimal', 'low', 'medium', 'high']
/** The largest budget that every model with budgets takes. */
const LARGEST_BUDGET = 24_576

function thinking(request: ChatRequest, writing: Writing): Fields | undefined {
  const more = ownFields(request.native, `${SETTINGS_PREFIX}thinkingConfig.`)
  const asked = request.reasoning && amount(request.reasoning, writing)
  const isOff = asked?.thinkingBudget === 0
  const isShown = asked && !isOff && request.reasoning?.visible !== false
  const fields = { ...asked, ...(isShown ? { includeThoughts: true } : {}), ...more }
  return Object.keys(fields).length > 0 ? fields : undefined
}

/** How much to think, by level or budget; undefined where the model does not think. */
function amount({ effort, budget }: Reasoning, { dialect, losses }: Writing): Fields | undefined {
  const given = effort ?? (budget === undefined || budget < 0 ? undefined : effortOf(budget))
  if (dialect.reasoning === 'none') {
    if (given !== undefined && given !== 'none') losses.add('reasoning_effort', 'is not taken by this model')
    return undefined
  }
  const byBudget = dialect.reasoning === 'budget' || (dialect.reasoning === undefined && budget !== undefined)
  if (byBudget) return budgetOf(effort, budget, takenBy(dialect.efforts, efforts))
  return given === undefined
    ? {}
    : { thinkingLevel: nearestEffort(given, takenBy(dialect.efforts, LEVELS)).toUpperCase() }
}

function budgetOf(effort: Effort | undefined, budget: number | undefined, taken: readonly Effort[]): Fields {
  // An exact wish is kept, but for nothing at all where nothing is no choice.
  if (budget !== undefined && (budget !== 0 || taken.includes('none'))) {
    return { thinkingBudget: Math.min(budget, LARGEST_BUDGET) }
  }
  const wanted = budget === 0 ? 'none' : effort
  return wanted === undefined ? {} : { thinkingBudget: Math.min(budgets[nearestEffort(wanted, taken)], LARGEST_BUDGET) }
}

function takenBy(names: readonly string[] | undefined, all: readonly Effort[]): readonly Effort[] {
  const taken = all.filter((effort) => names === undefined || names.includes(effort))
  return taken.length > 0 ? taken : all
}
