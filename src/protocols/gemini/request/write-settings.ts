import { budgets, type Effort, supportedEfforts } from '../../../chat/effort.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Reasoning } from '../../../chat/request.js'
import { acceptedSampling } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFieldsOf } from '../field-names.js'
import { SETTINGS_PREFIX } from './read-settings.js'
import { writeSchema } from './write-schema.js'

type Fields = Record<string, unknown>

/** Seeds are signed 32-bit integers. */
const SEED_LIMIT = 2 ** 31

/** Writes `generationConfig`. Undefined without settings. */
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
  // The JSON leaves undefined fields out. Deleting them would make the object slow.
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined
}

function seed({ seed }: ChatRequest, { losses }: WriteOptions): number | undefined {
  if (seed === undefined || (seed < SEED_LIMIT && seed >= -SEED_LIMIT)) return seed
  losses.setting('seed', 'is outside the 32-bit range that Gemini supports')
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

/** Efforts that have a thinking level. */
const LEVELS: readonly Effort[] = ['minimal', 'low', 'medium', 'high']
/** The largest budget, in tokens, that every model with budgets supports. */
const MAX_BUDGET = 24_576

function thinking(request: ChatRequest, options: WriteOptions): Fields | undefined {
  const more = nativeFieldsOf(request.native, `${SETTINGS_PREFIX}thinkingConfig.`)
  const wanted = request.reasoning && thinkingAmount(request.reasoning, options)
  const isOff = wanted?.thinkingBudget === 0
  const isShown = wanted && !isOff && request.reasoning?.visible !== false
  const fields = { ...wanted, ...(isShown ? { includeThoughts: true } : {}), ...more }
  return Object.keys(fields).length > 0 ? fields : undefined
}

/** Writes how much to think, as level or budget. Undefined for a model without reasoning. */
function thinkingAmount(reasoning: Reasoning, { dialect, losses }: WriteOptions): Fields | undefined {
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

function budgetOf({ effort, budget }: Reasoning, supported: readonly Effort[], losses: WriteOptions['losses']): Fields {
  // Keeps an exact budget. A budget of 0 needs a model that can turn reasoning off.
  if (budget !== undefined && (budget !== 0 || supported.includes('none'))) {
    if (budget > MAX_BUDGET)
      losses.setting(
        'reasoning',
        `can be at most ${MAX_BUDGET} tokens, the most that every Gemini model with budgets supports`,
      )
    return { thinkingBudget: Math.min(budget, MAX_BUDGET) }
  }
  const wanted = budget === 0 ? 'none' : effort
  if (wanted === undefined) return {}
  return { thinkingBudget: Math.min(budgets[chooseEffort(wanted, supported, losses)], MAX_BUDGET) }
}
