import { efforts } from '../../../chat/effort.js'
import type { ChatRequest, Format, Reasoning } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { getField, restOf } from '../field-names.js'
import { readSchema } from './read-schema.js'

/** The settings of a `generationConfig`, and its native fields. */
export interface Settings {
  readonly request: Partial<ChatRequest> & Pick<ChatRequest, 'stop'>
  readonly fields: Record<string, unknown> | undefined
}

/** The prefix of native fields of `generationConfig`. */
export const SETTINGS_PREFIX = 'generationConfig.'

const KNOWN_FIELDS = new Set(
  `maxOutputTokens temperature topP topK frequencyPenalty presencePenalty seed stopSequences candidateCount
   responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema _responseJsonSchema thinkingConfig
   responseModalities`.split(/\s+/),
)

/** Reads `generationConfig`. @throws {RelayError} that names the path of an invalid value */
export function readSettings(config: Field): Settings {
  config.maybeObject()
  const number = (name: string): number | undefined => getField(config, name).maybeNumber()
  const integer = (name: string): number | undefined => getField(config, name).maybeInteger()
  const format = readFormat(config)
  const thinking = readThinking(getField(config, 'thinkingConfig'))
  return {
    request: {
      maxOutputTokens: integer('maxOutputTokens'),
      temperature: number('temperature'),
      topP: number('topP'),
      topK: number('topK'),
      frequencyPenalty: number('frequencyPenalty') || undefined,
      presencePenalty: number('presencePenalty') || undefined,
      seed: integer('seed'),
      stop: getField(config, 'stopSequences')
        .maybeList()
        .map((stop) => stop.text()),
      choices: moreThanOne(integer('candidateCount')),
      logprobs: readLogprobs(config),
      format: format.format,
      reasoning: thinking.reasoning,
      modalities: readModalities(getField(config, 'responseModalities')),
    },
    fields: { ...restOf(config, KNOWN_FIELDS, SETTINGS_PREFIX), ...format.fields, ...thinking.fields },
  }
}

function moreThanOne(count: number | undefined): number | undefined {
  return count !== undefined && count > 1 ? count : undefined
}

function readLogprobs(config: Field): number | undefined {
  const count = config.get('logprobs').maybeInteger()
  return getField(config, 'responseLogprobs').maybeBoolean() ? (count ?? 0) : undefined
}

interface ReadFormat {
  readonly format?: Format
  readonly fields?: Record<string, unknown>
}

function readFormat(config: Field): ReadFormat {
  const mime = getField(config, 'responseMimeType').maybeText()
  const plain = getField(config, 'responseSchema')
  const full = [getField(config, 'responseJsonSchema'), getField(config, '_responseJsonSchema')].find(
    ({ given }) => given,
  )
  // No other protocol can ask for an enum as bare text.
  if (mime === 'text/x.enum') return { fields: enumOf(plain.maybeObject()) }
  if (full) return { format: { type: 'schema', schema: full.object() } }
  if (plain.given) return { format: { type: 'schema', schema: readSchema(plain.object()) } }
  if (mime === 'application/json') return { format: { type: 'json' } }
  if (mime === undefined || mime === 'text/plain') return {}
  return { fields: { [`${SETTINGS_PREFIX}responseMimeType`]: mime } }
}

function enumOf(schema: Record<string, unknown> | undefined): Record<string, unknown> {
  const mime = { [`${SETTINGS_PREFIX}responseMimeType`]: 'text/x.enum' }
  return schema ? { ...mime, [`${SETTINGS_PREFIX}responseSchema`]: schema } : mime
}

const THINKING_FIELDS = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel'])
const LEVELS: readonly string[] = ['minimal', 'low', 'medium', 'high']

function readThinking(thinking: Field): { reasoning?: Reasoning; fields?: Record<string, unknown> | undefined } {
  if (!thinking.given) return {}
  const level = getField(thinking, 'thinkingLevel')
  const name = level.maybeText()?.toLowerCase()
  const isGiven = name !== undefined && name !== 'thinking_level_unspecified'
  if (isGiven && !LEVELS.includes(name)) level.failUnknown(`one of ${LEVELS.join(', ')}`)
  const effort = isGiven ? efforts.find((one) => one === name) : undefined
  const budget = getField(thinking, 'thinkingBudget').maybeInteger()
  const visible = getField(thinking, 'includeThoughts').maybeBoolean()
  return {
    reasoning: { effort, budget, visible },
    fields: restOf(thinking, THINKING_FIELDS, `${SETTINGS_PREFIX}thinkingConfig.`),
  }
}

const MODALITIES = new Map([
  ['TEXT', 'text'],
  ['IMAGE', 'image'],
  ['AUDIO', 'audio'],
] as const)

function readModalities(list: Field): ChatRequest['modalities'] {
  const read = list.maybeList().map((one) => MODALITIES.get(one.text().toUpperCase() as 'TEXT') ?? one.failUnknown())
  return read.length > 0 ? read : undefined
}
