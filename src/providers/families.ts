import type { Dialect } from '../protocols/dialect.js'

/** What families of models take, by their names; the first row that fits counts. */
export type Families = readonly (readonly [name: RegExp, dialect: Dialect])[]

/** The dialect of a model by its family; `otherwise` is that of all others. */
export function byFamily(families: Families, otherwise: Dialect): (model: string) => Dialect {
  return (model) => families.find(([name]) => name.test(model))?.[1] ?? otherwise
}

/** What other vendors' messages have, and strict places refuse with the whole request. */
export const OTHERS_FIELDS: readonly string[] = ['reasoning_content', 'reasoning_details']

const GPT: Dialect = { refusedFields: OTHERS_FIELDS }

/** OpenAI's models, wherever they are served: those that think take one temperature only, and the others no effort. */
export const gptDialect: (model: string) => Dialect = byFamily(
  [
    [/^gpt-5(?:\.\d+)?-chat/, { ...GPT, reasoning: 'none' }],
    [/^(?:o\d|gpt-5)/, { ...GPT, sampling: 'none' }],
    [/^(?:gpt|chatgpt)-/, { ...GPT, reasoning: 'none' }],
  ],
  GPT,
)

/** The cap on the answer by its first name, also where a caller gives it the new one. */
export const OLD_CAP: Readonly<Record<string, string>> = { max_completion_tokens: 'max_tokens' }

/** A server that knows what is old, with the cap by its old name. */
export const PLAIN: Dialect = { isOldServer: true, fieldNames: OLD_CAP }

const LEVELS = ['minimal', 'low', 'medium', 'high']

const GEMINI: Families = [
  [/^gemini-3.*-image/, { reasoning: 'none', toolSchemas: 'full', requiresSignatures: true }],
  [/^gemini-[3-9]/, { reasoning: 'effort', reasoningEfforts: LEVELS, toolSchemas: 'full', requiresSignatures: true }],
  [/^gemini-2\.5-.*(?:image|tts)/, { reasoning: 'none', toolSchemas: 'full' }],
  [/^gemini-2\.5-pro/, { reasoning: 'budget', reasoningEfforts: LEVELS, toolSchemas: 'full' }],
  [/^gemini-2\.5/, { reasoning: 'budget', reasoningEfforts: ['none', ...LEVELS], toolSchemas: 'full' }],
  [/^gemini-2/, { reasoning: 'none', toolSchemas: 'full' }],
  [/^(?:gemini-1|gemini-pro|learnlm|gemma)/, { reasoning: 'none', toolSchemas: 'subset' }],
]

const ofGemini = byFamily(GEMINI, { toolSchemas: 'full' })

/** Google's models, wherever they are served. Names of no row are of models yet to come. */
export function geminiDialect(model: string): Dialect {
  return ofGemini(model.replace(/^models\//, ''))
}

const STEPS = ['low', 'medium', 'high', 'max']
const ALL_STEPS = ['low', 'medium', 'high', 'xhigh', 'max']

/** Models that take no sampling, and think as long as they find fit. */
const NEWEST: Dialect = {
  sampling: 'none',
  reasoning: 'adaptive',
  reasoningEfforts: ALL_STEPS,
  maxOutputTokens: 64_000,
}
const BUDGET: Dialect = { sampling: 'any', reasoning: 'budget', maxOutputTokens: 64_000 }
/** Takes temperature or top_p, since Opus 4.1. */
const NEWER_BUDGET: Dialect = { ...BUDGET, sampling: 'one' }
const UNKNOWN_CLAUDE: Dialect = { ...BUDGET, maxOutputTokens: 8192 }

const CLAUDE: Families = [
  [/claude-(?:instant|[12]\b)/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 4096 }],
  [/claude-3-7/, BUDGET],
  [/claude-3-5/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 8192 }],
  [/claude-3-(?:haiku|opus|sonnet)/, { sampling: 'any', reasoning: 'none', maxOutputTokens: 4096 }],
  [/(?:opus|sonnet|haiku)-4-(?:[7-9]|\d\d)(?!\d)/, { ...NEWEST, reasoningEfforts: ['none', ...ALL_STEPS] }],
  [
    /(?:opus|sonnet)-4-6(?!\d)/,
    { sampling: 'one', reasoning: 'adaptive', reasoningEfforts: ['none', ...STEPS], maxOutputTokens: 64_000 },
  ],
  [/opus-4-1(?!\d)/, { ...NEWER_BUDGET, maxOutputTokens: 32_000 }],
  [/opus-4(?:-0)?(?:-20\d{6}|@|$)/, { ...BUDGET, maxOutputTokens: 32_000 }],
  [/(?:opus|sonnet|haiku)-4-5(?!\d)/, NEWER_BUDGET],
  [/(?:opus|sonnet|haiku)-4/, BUDGET],
  [/(?:opus|sonnet|haiku)-(?:[5-9]|\d\d)(?!\d)/, NEWEST],
  [/claude-(?:fable|mythos)/, NEWEST],
]

/** Anthropic's models, wherever they are served and whatever stands around their names there. */
export const claudeDialect: (model: string) => Dialect = byFamily(CLAUDE, UNKNOWN_CLAUDE)

/** The same models at others than Anthropic, whose tiers of service they do not have; of media some must come as bytes. */
export function soldClaudeDialect(remoteMedia: NonNullable<Dialect['mediaByUrl']>): (model: string) => Dialect {
  return (model) => ({ ...claudeDialect(model), unsupported: ['serviceTier'], mediaByUrl: remoteMedia })
}
