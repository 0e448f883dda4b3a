import { budgets, type Effort, supportedEfforts } from '../../../chat/effort.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Reasoning } from '../../../chat/request.js'
import { acceptedSampling } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFieldsOf } from '../field-names.js'
import { SETTINGS_PREFIX } from './read-settings.js'
import { writeSchema } from './write-schema.js'

type Fields = Record<string, unknown>

/** Seeds are 32 bits wide. */
const LARGEST_SEED = 2 ** 31

/** A `generationConfig`; undefined when nothing is asked for. */
export function writeSettings(request: ChatRequest, options: WriteOptions): Fields | undefined {
  const fields: Fields = {
    maxOutputTokens: request.maxOutputTokens,
    ...acceptedSampling(request, options.dialect, options.losses),
    seed: seed(request, options),
    candidateCount: request.choices,
    stopSequences: request.stop.length > 0 ? request.stop : undefined,
    ...logprobs(request),
    ...format(request, options),
    responseModalities: modalities(request),
    thinkingConfig: thinking(request, options),
    ...nativeFieldsOf(request.native, SETTINGS_PREFIX),
  }
  for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name]
  return Object.keys(fields).length > 0 ? fields : undefined
}

function seed({ seed }: ChatRequest, { losses }: WriteOptions): number | undefined {
  if (seed === undefined || (seed < LARGEST_SEED && seed >= -LARGEST_SEED)) return seed
  losses.setting('seed', 'is wider than the 32 bits that are taken')
  return undefined
}

function logprobs({ logprobs }: ChatRequest): Fields {
  if (logprobs === undefined) return {}
  return { responseLogprobs: true, logprobs: logprobs > 0 ? logprobs : undefined }
}

function format({ format }: ChatRequest, { dialect }: WriteOptions): Fields {
  if (format === undefined || format.type === 'text') return {}
  const responseMimeType = 'application/json'
  if (format.type === 'json') return { responseMimeType }
  const kind = dialect.toolSchemas ?? 'full'
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

function thinking(request: ChatRequest, options: WriteOptions): Fields | undefined {
  const more = nativeFieldsOf(request.native, `${SETTINGS_PREFIX}thinkingConfig.`)
  const asked = request.reasoning && amount(request.reasoning, options)
  const isOff = asked?.thinkingBudget === 0
  const isShown = asked && !isOff && request.reasoning?.visible !== false
  const fields = { ...asked, ...(isShown ? { includeThoughts: true } : {}), ...more }
  return Object.keys(fields).length > 0 ? fields : undefined
}

/** How much to think, by level or budget; undefined where the model does not think. */
function amount(reasoning: Reasoning, { dialect, losses }: WriteOptions): Fields | undefined {
  if (dialect.reasoning === 'none') {
    recordNoReasoning(reasoning, losses)
    return undefined
  }
  const byBudget = dialect.reasoning === 'budget' || (dialect.reasoning === undefined && reasoning.budget !== undefined)
  if (byBudget) return budgetOf(reasoning, supportedEfforts(dialect.reasoningEfforts), losses)
  const wanted = requestedEffort(reasoning)
  if (wanted === undefined) return {}
  return {
    thinkingLevel: chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts, LEVELS), losses).toUpperCase(),
  }
}

function budgetOf({ effort, budget }: Reasoning, taken: readonly Effort[], losses: WriteOptions['losses']): Fields {
  // An exact wish is kept, but for nothing at all where nothing is no choice.
  if (budget !== undefined && (budget !== 0 || taken.includes('none'))) {
    if (budget > LARGEST_BUDGET) losses.setting('reasoning', `is ${LARGEST_BUDGET} tokens: no more are taken`)
    return { thinkingBudget: Math.min(budget, LARGEST_BUDGET) }
  }
  const wanted = budget === 0 ? 'none' : effort
  if (wanted === undefined) return {}
  return { thinkingBudget: Math.min(budgets[chooseEffort(wanted, taken, losses)], LARGEST_BUDGET) }
}
