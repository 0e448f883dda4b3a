import { supportedEfforts } from '../../../chat/effort.js'
import { recordCitations } from '../../../chat/losses.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Format, Reasoning, Setting, Turn } from '../../../chat/request.js'
import { acceptedSampling, recordSettings } from '../../../chat/settings.js'
import type { WriteOptions } from '../../protocol.js'
import { isSayable } from '../answer/citations.js'
import { ownFields } from '../native.js'
import { writeItems } from './write-items.js'
import { writeToolChoice, writeTools } from './write-tools.js'

/** What the language has words for. */
const SAYABLE: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'logprobs', 'format'] as const),
  ...(['verbosity', 'reasoning', 'userId', 'metadata', 'serviceTier'] as const),
])

/** A request's body. Nothing is kept by the provider: what it would keep goes back and forth, sealed. */
export function writeRequest(request: ChatRequest, writing: WriteOptions): string {
  recordSettings(request, SAYABLE, writing.losses)
  recordCitations(request.turns, isSayable, writing.losses)
  const { instructions, rest } = splitInstructions(request.turns)
  const { text: ownText, reasoning: ownReasoning, include: ownInclude, ...own } = ownFields(request.native)
  const tools = writeTools(request.tools, writing.losses)
  const reasoning = { ...writeReasoning(request.reasoning, writing), ...(ownReasoning as object | undefined) }
  const text = { ...writeText(request), ...(ownText as object | undefined) }
  const include = [...writeInclude(request, writing), ...((ownInclude as string[] | undefined) ?? [])]
  return JSON.stringify({
    model: writing.model,
    ...(writing.stream && { stream: true }),
    store: false,
    ...(instructions !== undefined && { instructions }),
    input: writeItems(request, rest, writing),
    ...(tools.length > 0 && { tools, ...writeChoices(request) }),
    ...writeCap(request, writing),
    ...writeSampling(request, writing),
    ...(Object.keys(text).length > 0 && { text }),
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
    ...(include.length > 0 && { include }),
    ...(request.logprobs && { top_logprobs: request.logprobs }),
    ...(request.userId !== undefined && { safety_identifier: request.userId }),
    ...(request.metadata && { metadata: request.metadata }),
    ...writeTier(request.serviceTier, writing),
    ...(request.cacheKey !== undefined && { prompt_cache_key: request.cacheKey }),
    ...own,
  })
}

/** The system's first words are the instructions, if they are plain text; later ones keep their place. */
function splitInstructions(turns: readonly Turn[]): { instructions: string | undefined; rest: readonly Turn[] } {
  const [first] = turns
  const texts =
    first?.role === 'system' ? first.blocks.map((block) => (block.type === 'text' ? block.text : undefined)) : []
  const isPlain = texts.length > 0 && texts.every((text) => text !== undefined) && turns.length > 1
  return isPlain ? { instructions: texts.join('\n\n'), rest: turns.slice(1) } : { instructions: undefined, rest: turns }
}

function writeChoices(request: ChatRequest): object {
  const { toolChoice, parallelToolCalls } = request
  return {
    ...(toolChoice && { tool_choice: writeToolChoice(toolChoice, request) }),
    ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
  }
}

const LOWEST_CAP = 16

/** A cap of none asks for the prompt to be cached and no answer. */
function writeCap({ maxOutputTokens }: ChatRequest, { losses }: WriteOptions): object {
  if (maxOutputTokens === undefined) return {}
  if (maxOutputTokens === 0) return { prompt_cache_options: { prewarm: true } }
  if (maxOutputTokens >= LOWEST_CAP) return { max_output_tokens: maxOutputTokens }
  losses.setting('maxOutputTokens', `is raised to ${LOWEST_CAP}, the least that is taken`)
  return { max_output_tokens: LOWEST_CAP }
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
  const wanted = requestedEffort(reasoning)
  const effort = wanted && chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts), losses)
  const summary = reasoning.summary ?? (reasoning.visible ? 'auto' : undefined)
  return { ...(effort && { effort }), ...(summary && { summary }) }
}

/** A model that does not reason refuses to be asked for its sealed reasoning. */
function writeInclude({ logprobs }: ChatRequest, { dialect }: WriteOptions): string[] {
  return [
    ...(dialect.reasoning === 'none' ? [] : ['reasoning.encrypted_content']),
    ...(logprobs === undefined ? [] : ['message.output_text.logprobs']),
  ]
}

const TIERS = new Map([
  ...['auto', 'default', 'flex', 'scale', 'priority', 'fast', 'ultrafast'].map((tier) => [tier, tier] as const),
  ['standard', 'default'],
  ['standard_only', 'default'],
])

function writeTier(asked: string | undefined, { losses }: WriteOptions): object {
  if (asked === undefined) return {}
  const tier = TIERS.get(asked.toLowerCase())
  if (tier === undefined) losses.setting('serviceTier')
  return tier === undefined ? {} : { service_tier: tier }
}
