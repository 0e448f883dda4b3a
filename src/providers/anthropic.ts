import type { Dialect } from '../protocols/dialect.js'
import type { Provider } from './provider.js'

/** Anthropic's own API. */
export const anthropic: Provider = {
  id: 'anthropic',
  baseURL: 'https://api.anthropic.com',
  keyVariable: 'ANTHROPIC_API_KEY',
  speaks: ['anthropic-messages'],
  dialect: (model) => FAMILIES.find(([family]) => family.test(model))?.[1] ?? UNKNOWN,
  sign: (apiKey) => ['x-api-key', apiKey],
  models: ['claude-*'],
  familiarModel: 'claude-haiku-4-5',
}

const STEPS = ['low', 'medium', 'high', 'max']
const ALL_STEPS = ['low', 'medium', 'high', 'xhigh', 'max']

/** Models that take no sampling, and think as long as they find fit. */
const NEWEST: Dialect = { sampling: 'none', reasoning: 'adaptive', efforts: ALL_STEPS, maxOutputTokens: 64_000 }
const BUDGET: Dialect = { sampling: 'any', reasoning: 'budget', maxOutputTokens: 64_000 }
/** Takes temperature or top_p, since Opus 4.1. */
const NEWER_BUDGET: Dialect = { ...BUDGET, sampling: 'one' }
const UNKNOWN: Dialect = { ...BUDGET, maxOutputTokens: 8192 }

/** The first that fits a model's name says what it takes. */
const FAMILIES: readonly (readonly [family: RegExp, dialect: Dialect])[] = [
  [/claude-(?:instant|[12]\b)/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 4096 }],
  [/claude-3-7/, BUDGET],
  [/claude-3-5/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 8192 }],
  [/claude-3-(?:haiku|opus|sonnet)/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 4096 }],
  [/(?:opus|sonnet|haiku)-4-(?:[7-9]|\d\d)(?!\d)/, { ...NEWEST, efforts: ['none', ...ALL_STEPS] }],
  [
    /(?:opus|sonnet)-4-6(?!\d)/,
    { sampling: 'one', reasoning: 'adaptive', efforts: ['none', ...STEPS], maxOutputTokens: 64_000 },
  ],
  [/opus-4-1(?!\d)/, { ...NEWER_BUDGET, maxOutputTokens: 32_000 }],
  [/opus-4(?:-0)?(?:-20\d{6}|@|$)/, { ...BUDGET, maxOutputTokens: 32_000 }],
  [/(?:opus|sonnet|haiku)-4-5(?!\d)/, NEWER_BUDGET],
  [/(?:opus|sonnet|haiku)-4/, BUDGET],
  [/(?:opus|sonnet|haiku)-(?:[5-9]|\d\d)(?!\d)/, NEWEST],
  [/claude-(?:fable|mythos)/, NEWEST],
]
