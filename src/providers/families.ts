import type { Dialect } from '../protocols/dialect.js'

/** Dialects of model families, by name. The first matching row counts. */
export type Families = readonly (readonly [name: RegExp, dialect: Dialect])[]

/** Creates a function that gives a model's dialect by its family. `otherwise`: for models of no family. */
export function byFamily(families: Families, otherwise: Dialect): (model: string) => Dialect {
  return (model) => families.find(([name]) => name.test(model))?.[1] ?? otherwise
}

/** Fields of other vendors' messages, for which strict providers refuse the whole request. */
export const FOREIGN_MESSAGE_FIELDS: readonly string[] = ['reasoning_content', 'reasoning_details']

const GPT: Dialect = { refusedMessageFields: FOREIGN_MESSAGE_FIELDS }

/** OpenAI's models at any provider. Reasoning models accept no sampling settings, the others no effort. */
export const gptDialect: (model: string) => Dialect = byFamily(
  [
    [/^gpt-5(?:\.\d+)?-chat/, { ...GPT, reasoning: 'none' }],
    [/^(?:o\d|gpt-5)/, { ...GPT, sampling: 'none' }],
    [/^(?:gpt|chatgpt)-/, { ...GPT, reasoning: 'none' }],
  ],
  GPT,
)

/** Renames the output cap to its original name. */
export const LEGACY_MAX_TOKENS: Readonly<Record<string, string>> = { max_completion_tokens: 'max_tokens' }

/** A server with the original fields of the protocol only, including the output cap's original name. */
export const BASIC_SERVER: Dialect = { basicFieldsOnly: true, renamedFields: LEGACY_MAX_TOKENS }

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

/** Google's models at any provider. Models of no row count as future ones. */
export function geminiDialect(model: string): Dialect {
  return ofGemini(model.replace(/^models\//, ''))
}

const EFFORTS = ['low', 'medium', 'high', 'max']
const ALL_EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max']

/** Models without sampling settings that choose their own reasoning budget. */
const NEWEST: Dialect = {
  sampling: 'none',
  reasoning: 'adaptive',
  reasoningEfforts: ALL_EFFORTS,
  defaultMaxOutputTokens: 64_000,
}
const BUDGET: Dialect = { sampling: 'any', reasoning: 'budget', defaultMaxOutputTokens: 64_000 }
/** From Opus 4.1 on: temperature or top_p, but not both. */
const NEWER_BUDGET: Dialect = { ...BUDGET, sampling: 'one' }
const UNKNOWN_CLAUDE: Dialect = { ...BUDGET, defaultMaxOutputTokens: 8192 }

const CLAUDE: Families = [
  [/claude-(?:instant|[12]\b)/, { sampling: 'any', reasoning: 'none', defaultMaxOutputTokens: 4096 }],
  [/claude-3-7/, BUDGET],
  [/claude-3-5/, { sampling: 'any', reasoning: 'none', defaultMaxOutputTokens: 8192 }],
  [/claude-3-(?:haiku|opus|sonnet)/, { sampling: 'any', reasoning: 'none', defaultMaxOutputTokens: 4096 }],
  [/(?:opus|sonnet|haiku)-4-(?:[7-9]|\d\d)(?!\d)/, { ...NEWEST, reasoningEfforts: ['none', ...ALL_EFFORTS] }],
  [
    /(?:opus|sonnet)-4-6(?!\d)/,
    { sampling: 'one', reasoning: 'adaptive', reasoningEfforts: ['none', ...EFFORTS], defaultMaxOutputTokens: 64_000 },
  ],
  [/opus-4-1(?!\d)/, { ...NEWER_BUDGET, defaultMaxOutputTokens: 32_000 }],
  [/opus-4(?:-0)?(?:-20\d{6}|@|$)/, { ...BUDGET, defaultMaxOutputTokens: 32_000 }],
  [/(?:opus|sonnet|haiku)-4-5(?!\d)/, NEWER_BUDGET],
  [/(?:opus|sonnet|haiku)-4/, BUDGET],
  [/(?:opus|sonnet|haiku)-(?:[5-9]|\d\d)(?!\d)/, NEWEST],
  [/claude-(?:fable|mythos)/, NEWEST],
]

/** Anthropic's models at any provider, whatever prefix or suffix their names have there. */
export const claudeDialect: (model: string) => Dialect = byFamily(CLAUDE, UNKNOWN_CLAUDE)

/** Anthropic's models at other providers, which have no service tiers. `mediaByUrl`: kinds of media that they accept by URL. */
export function resoldClaudeDialect(mediaByUrl: NonNullable<Dialect['mediaByUrl']>): (model: string) => Dialect {
  return (model) => ({ ...claudeDialect(model), unsupportedSettings: ['serviceTier'], mediaByUrl })
}
