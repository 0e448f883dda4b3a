import { recordCitations } from '../../chat/losses.js'
import type { ChatRequest, Format, Setting } from '../../chat/request.js'
import { recordSettings } from '../../chat/settings.js'
import type { WriteOptions } from '../protocol.js'
import { writeNative } from './native.js'
import { writeLogprobs, writeSampling } from './sampling.js'
import { rename, withReplies } from './suit.js'
import { writeReasoning } from './thinking.js'
import { writeMessages } from './write-messages.js'
import { writeTools } from './write-tools.js'

/** What the language has words for. */
const SAYABLE: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'frequencyPenalty'] as const),
  ...(['presencePenalty', 'seed', 'stop', 'choices', 'logprobs', 'format', 'verbosity', 'reasoning'] as const),
  ...(['modalities', 'userId', 'metadata', 'serviceTier'] as const),
])

/** Has a stream tell of usage. */
export const ASKING: object = { stream_options: { include_usage: true } }

/** A request's body. Its beginning is the same from turn to turn of a conversation. @throws {RelayError} */
export function writeRequest(request: ChatRequest, writing: WriteOptions): string {
  recordSettings(request, SAYABLE, writing.losses)
  recordCitations(request.turns, () => false, writing.losses)
  const { dialect } = writing
  const body = {
    model: writing.model,
    ...writeTools(request, writing),
    messages: withReplies(writeMessages(request.turns, writing), dialect.replyAfterToolResults),
    ...writeCap(request, writing),
    ...writeSampling(request, writing),
    ...writeLogprobs(request),
    ...writeFormat(request.format),
    ...writeReasoning(request, writing),
    ...writeAccount(request, writing),
    ...dialect.extraFields,
    ...writeNative(request.native),
    // Always asked for: the relay counts by it.
    ...(writing.stream && { stream: true, ...(dialect.acceptsUsageRequest !== false && ASKING) }),
  }
  if (dialect.renamedFields) rename(body, dialect.renamedFields)
  return JSON.stringify(body)
}

/** The cap on the answer. @throws {RelayError} for none at all, which means here to spend without writing */
export function writeCap({ maxOutputTokens }: ChatRequest, { dialect, losses }: WriteOptions): object {
  if (maxOutputTokens === undefined) return {}
  if (maxOutputTokens === 0) {
    throw losses.refusal('maxOutputTokens', 'an answer of no tokens, to fill the prompt cache, cannot be asked for.')
  }
  return { [dialect.basicFieldsOnly ? 'max_tokens' : 'max_completion_tokens']: maxOutputTokens }
}

function writeFormat(format: Format | undefined): object {
  if (format === undefined || format.type === 'text') return {}
  if (format.type === 'json') return { response_format: { type: 'json_object' } }
  const { name, schema, description, strict } = format
  const json_schema = { name: nameOf(name), description, schema, strict }
  return { response_format: { type: 'json_schema', json_schema } }
}

/** A schema must have a name here, of few characters. */
function nameOf(name = 'answer'): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'answer'
}

const TIERS: readonly string[] = ['auto', 'default', 'flex', 'scale', 'priority', 'fast']

/** Longer ones are refused, and no hint is worth that. */
const LONGEST_USER = 64

/** Who asks, and how the account is charged. Plain servers know no such hints. */
function writeAccount(request: ChatRequest, { dialect, losses }: WriteOptions): Record<string, unknown> {
  const { modalities, verbosity, metadata, serviceTier, cacheKey, userId } = request
  const fields: Record<string, unknown> = {}
  if (modalities?.some((kind) => kind !== 'text')) fields.modalities = modalities
  if (verbosity !== undefined) fields.verbosity = verbosity
  if (metadata !== undefined) fields.metadata = metadata
  if (serviceTier !== undefined && TIERS.includes(serviceTier)) fields.service_tier = serviceTier
  else if (serviceTier !== undefined) losses.setting('serviceTier')
  if (dialect.basicFieldsOnly) return fields
  if (cacheKey !== undefined) fields.prompt_cache_key = cacheKey
  if (userId !== undefined && userId.length <= LONGEST_USER) fields.user = userId
  return fields
}
