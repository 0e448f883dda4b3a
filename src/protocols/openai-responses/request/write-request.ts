import { supportedEfforts } from '../../../chat/effort.js'
import { recordCitations } from '../../../chat/losses.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Format, Reasoning, Setting, Turn } from '../../../chat/request.js'
import { acceptedSampling, recordSettings } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'
import { isSupportedCitation } from '../answer/citations.js'
import { nativeFields } from '../native.js'
import { writeItems } from './write-items.js'
import { writeToolChoice, writeTools } from './write-tools.js'

/** Settings that the protocol has a field for. */
const SUPPORTED_SETTINGS: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'logprobs', 'format'] as const),
  ...(['verbosity', 'reasoning', 'userId', 'metadata', 'serviceTier'] as const),
])

/**
 * Writes a request's body. Asks the provider not to store the response, and to send reasoning in encrypted form instead.
 * @throws {RelayError} for a turn without an equivalent
 */
export function writeRequest(request: ChatRequest, options: WriteOptions): string {
  recordSettings(request, SUPPORTED_SETTINGS, options.losses)
  recordCitations(request.turns, isSupportedCitation, options.losses)
  const { instructions, rest } = splitInstructions(request.turns)
  const {
    text: nativeText,
    reasoning: nativeReasoning,
    include: nativeInclude,
    ...otherFields
  } = nativeFields(request.native)
  const tools = writeTools(request.tools, options.losses)
  const reasoning = { ...writeReasoning(request.reasoning, options), ...(nativeReasoning as object | undefined) }
  const text = { ...writeText(request), ...(nativeText as object | undefined) }
  const include = [...writeInclude(request, options), ...((nativeInclude as string[] | undefined) ?? [])]
  return JSON.stringify({
    model: options.model,
    ...(options.stream && { stream: true }),
    store: false,
    ...(instructions !== undefined && { instructions }),
    input: writeItems(request, rest, options),
    ...(tools.length > 0 && { tools, ...writeToolSettings(request) }),
    ...writeMaxTokens(request, options),
    ...writeSampling(request, options),
    ...(Object.keys(text).length > 0 && { text }),
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
    ...(include.length > 0 && { include }),
    ...(request.logprobs && { top_logprobs: request.logprobs }),
    ...(request.userId !== undefined && { safety_identifier: request.userId }),
    ...(request.metadata && { metadata: request.metadata }),
    ...writeServiceTier(request.serviceTier, options),
    ...(request.cacheKey !== undefined && { prompt_cache_key: request.cacheKey }),
    ...otherFields,
  })
}

/** Splits off the first system message as `instructions`, if it has only text and other turns follow. */
function splitInstructions(turns: readonly Turn[]): { instructions: string | undefined; rest: readonly Turn[] } {
  const [first] = turns
  const texts =
    first?.role === 'system' ? first.blocks.map((block) => (block.type === 'text' ? block.text : undefined)) : []
  const isPlain = texts.length > 0 && texts.every((text) => text !== undefined) && turns.length > 1
  return isPlain ? { instructions: texts.join('\n\n'), rest: turns.slice(1) } : { instructions: undefined, rest: turns }
}

function writeToolSettings(request: ChatRequest): object {
  const { toolChoice, parallelToolCalls } = request
  return {
    ...(toolChoice && { tool_choice: writeToolChoice(toolChoice, request) }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
  }
}

/** The lowest cap that OpenAI accepts. */
const MIN_OUTPUT_TOKENS = 16

/** Writes the output cap. A cap of 0 asks the provider to fill the prompt cache without an answer. */
function writeMaxTokens({ maxOutputTokens }: ChatRequest, { losses }: WriteOptions): object {
  if (maxOutputTokens === undefined) return {}
  if (maxOutputTokens === 0) return { prompt_cache_options: { prewarm: true } }
  if (maxOutputTokens >= MIN_OUTPUT_TOKENS) return { max_output_tokens: maxOutputTokens }
  losses.setting('maxOutputTokens', `is raised to ${MIN_OUTPUT_TOKENS}, the lowest value that OpenAI accepts`)
  return { max_output_tokens: MIN_OUTPUT_TOKENS }
}

function writeSampling(request: ChatRequest, { dialect, losses }: WriteOptions): object {
  const { temperature, topP } = acceptedSampling(request, dialect, losses)
  return { ...(temperature !== undefined && { temperature }), ...(topP !== undefined && { top_p: topP }) }
}

function writeText({ format, verbosity }: ChatRequest): object {
  return { ...(format && { format: writeFormat(format) }), ...(verbosity !== undefined && { verbosity }) }
}

function writeFormat(format: Format): object {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json') return { type: 'json_object' }
  const { schema, name = 'response', description, strict } = format
  return {
    type: 'json_schema',
    name,
    ...(description !== undefined && { description }),
    schema,
    ...(strict !== undefined && { strict }),
  }
}

function writeReasoning(reasoning: Reasoning | undefined, { dialect, losses }: WriteOptions): object {
  if (!reasoning) return {}
  if (dialect.reasoning === 'none') {
    recordNoReasoning(reasoning, losses)
    return {}
  }
  const requested = requestedEffort(reasoning)
  const effort = requested && chooseEffort(requested, supportedEfforts(dialect.reasoningEfforts), losses)
  const summary = reasoning.summary ?? (reasoning.visible ? 'auto' : undefined)
  return { ...(effort && { effort }), ...(summary && { summary }) }
}

/** Models that do not reason refuse a request for encrypted reasoning. */
function writeInclude({ logprobs }: ChatRequest, { dialect }: WriteOptions): string[] {
  return [
    ...(dialect.reasoning === 'none' ? [] : ['reasoning.encrypted_content']),
    ...(logprobs === undefined ? [] : ['message.output_text.logprobs']),
  ]
}

/** By the caller's name for it: `standard` is Gemini's, `standard_only` is Anthropic's. */
const SERVICE_TIERS = new Map([
  ...['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast'].map((tier) => [tier, tier] as const),
  ['standard', 'default'],
  ['standard_only', 'default'],
])

function writeServiceTier(requested: string | undefined, { losses }: WriteOptions): object {
  if (requested === undefined) return {}
  const tier = SERVICE_TIERS.get(requested.toLowerCase())
  if (tier === undefined) losses.setting('serviceTier')
  return tier === undefined ? {} : { service_tier: tier }
}
