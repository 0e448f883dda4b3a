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
export const PLAIN: Dialect = { isPlain: true, fieldNames: OLD_CAP }

const LEVELS = ['minimal', 'low', 'medium', 'high']

const GEMINI: Families = [
  [/^gemini-3.*-image/, { reasoning: 'none', schemas: 'full', needsSignatures: true }],
  [/^gemini-[3-9]/, { reasoning: 'effort', efforts: LEVELS, schemas: 'full', needsSignatures: true }],
  [/^gemini-2\.5-.*(?:image|tts)/, { reasoning: 'none', schemas: 'full' }],
  [/^gemini-2\.5-pro/, { reasoning: 'budget', efforts: LEVELS, schemas: 'full' }],
  [/^gemini-2\.5/, { reasoning: 'budget', efforts: ['none', ...LEVELS], schemas: 'full' }],
  [/^gemini-2/, { reasoning: 'none', schemas: 'full' }],
  [/^(?:gemini-1|gemini-pro|learnlm|gemma)/, { reasoning: 'none', schemas: 'subset' }],
]

const ofGemini = byFamily(GEMINI, { schemas: 'full' })

/** Google's models, wherever they are served. Names of no row are of models yet to come. */
export function geminiDialect(model: string): Dialect {
  return ofGemini(model.replace(/^models\//, ''))
}
