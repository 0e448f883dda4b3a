import { recordCitations } from '../../../chat/losses.js'
import type { ChatRequest, Format, Setting } from '../../../chat/request.js'
import { recordSettings } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'
import { insertReplies, renameFields } from '../adapt-request.js'
import { writeNative } from '../native.js'
import { writeReasoningSettings } from './reasoning-effort.js'
import { writeLogprobs, writeSampling } from './sampling.js'
import { writeMessages } from './write-messages.js'
import { writeTools } from './write-tools.js'

/** Settings that the protocol has a field for. */
const SUPPORTED_SETTINGS: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'frequencyPenalty'] as const),
  ...(['presencePenalty', 'seed', 'stop', 'choices', 'logprobs', 'format', 'verbosity', 'reasoning'] as const),
  ...(['modalities', 'userId', 'metadata', 'serviceTier'] as const),
])

/** Makes a stream report its usage. */
export const USAGE_REQUEST: object = { stream_options: { include_usage: true } }

/** Writes a request's body. Tools and messages come first, so that its start stays the same between turns. @throws {RelayError} */
export function writeRequest(request: ChatRequest, options: WriteOptions): string {
  recordSettings(request, SUPPORTED_SETTINGS, options.losses)
  recordCitations(request.turns, () => false, options.losses)
  const { dialect } = options
  const body = {
    model: options.model,
    ...writeTools(request, options),
    messages: insertReplies(writeMessages(request.turns, options), dialect.replyAfterToolResults),
    ...writeMaxTokens(request, options),
    ...writeSampling(request, options),
    ...writeLogprobs(request),
    ...writeFormat(request.format),
    ...writeReasoningSettings(request, options),
    ...writeOtherSettings(request, options),
    ...dialect.extraFields,
    ...writeNative(request.native),
    // The relay needs the usage for limits and costs, so it always asks for it.
    ...(options.stream && { stream: true, ...(dialect.acceptsUsageRequest !== false && USAGE_REQUEST) }),
  }
  if (dialect.renamedFields) renameFields(body, dialect.renamedFields)
  return JSON.stringify(body)
}

/** Writes the output cap. @throws {RelayError} for a cap of 0, which other protocols use to fill the prompt cache */
function writeMaxTokens({ maxOutputTokens }: ChatRequest, { dialect, losses }: WriteOptions): object {
  if (maxOutputTokens === undefined) return {}
  if (maxOutputTokens === 0) {
    throw losses.refusal(
      'maxOutputTokens',
      'must be at least 1 token: this protocol cannot fill the prompt cache without an answer.',
    )
  }
  return { [dialect.basicFieldsOnly ? 'max_tokens' : 'max_completion_tokens']: maxOutputTokens }
}

function writeFormat(format: Format | undefined): object {
  if (format === undefined || format.type === 'text') return {}
  if (format.type === 'json') return { response_format: { type: 'json_object' } }
  const { name, schema, description, strict } = format
  const json_schema = { name: schemaName(name), description, schema, strict }
  return { response_format: { type: 'json_schema', json_schema } }
}

/** The name that a schema must have, of at most 64 characters. */
function schemaName(name = 'answer'): string {
  return name.replace(/[^\w-]/g, '_').slice(0, 64) || 'answer'
}

const SERVICE_TIERS: readonly string[] = ['auto', 'default', 'flex', 'scale', 'priority', 'fast']

/** OpenAI refuses longer values. The relay then leaves the field out, because it is only a hint. */
const MAX_USER_LENGTH = 64

/** Writes fields about the output, the user and the account. Servers with basic fields only get no cache key and no user. */
function writeOtherSettings(request: ChatRequest, { dialect, losses }: WriteOptions): Record<string, unknown> {
  const { modalities, verbosity, metadata, serviceTier, cacheKey, userId } = request
  const fields: Record<string, unknown> = {}
  if (modalities?.some((kind) => kind !== 'text')) fields.modalities = modalities
  if (verbosity !== undefined) fields.verbosity = verbosity
  if (metadata !== undefined) fields.metadata = metadata
  if (serviceTier !== undefined && SERVICE_TIERS.includes(serviceTier)) fields.service_tier = serviceTier
  else if (serviceTier !== undefined) losses.setting('serviceTier')
  if (dialect.basicFieldsOnly) return fields
  if (cacheKey !== undefined) fields.prompt_cache_key = cacheKey
  if (userId !== undefined && userId.length <= MAX_USER_LENGTH) fields.user = userId
  return fields
}
