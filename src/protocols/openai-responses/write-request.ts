import { type Effort, effortOf, efforts, nearestEffort } from '../../chat/effort.js'
import type { ChatRequest, Format, Reasoning, Turn } from '../../chat/request.js'
import { RelayError } from '../../errors.js'
import type { Writing } from '../protocol.js'
import { ownFields } from './native.js'
import { writeItems } from './write-items.js'
import { writeToolChoice, writeTools } from './write-tools.js'

/** A request's body. Nothing is kept by the provider: what it would keep goes back and forth, sealed. */
export function writeRequest(request: ChatRequest, writing: Writing): string {
  declareLosses(request, writing)
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

function declareLosses(request: ChatRequest, { losses }: Writing): void {
  if (request.choices !== undefined && request.choices > 1) {
    throw new RelayError('invalid_request', 'n: the model gives one answer only', { param: 'n' })
  }
  losses.foreign(request.native)
  if (request.topK !== undefined) losses.unsayable('top_k')
  if (request.frequencyPenalty) losses.unsayable('frequency_penalty')
  if (request.presencePenalty) losses.unsayable('presence_penalty')
  if (request.seed !== undefined) losses.unsayable('seed')
  if (request.stop.length > 0) losses.unsayable('stop')
  if (request.modalities?.some((kind) => kind !== 'text')) losses.unsayable('modalities')
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
function writeCap({ maxOutputTokens }: ChatRequest, { losses }: Writing): object {
  if (maxOutputTokens === undefined) return {}
  if (maxOutputTokens === 0) return { prompt_cache_options: { prewarm: true } }
  if (maxOutputTokens >= LOWEST_CAP) return { max_output_tokens: maxOutputTokens }
  losses.add('max_tokens', `is raised to ${LOWEST_CAP}, the least that is taken`)
  return { max_output_tokens: LOWEST_CAP }
}

function writeSampling({ temperature, topP }: ChatRequest, { dialect, losses }: Writing): object {
  if (dialect.sampling !== 'none') {
    return { ...(temperature !== undefined && { temperature }), ...(topP !== undefined && { top_p: topP }) }
  }
  // One is what the model does by itself.
  if (temperature !== undefined && temperature !== 1) losses.add('temperature', 'is not taken by this model')
  if (topP !== undefined && topP !== 1) losses.add('top_p', 'is not taken by this model')
  return {}
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

function writeReasoning(reasoning: Reasoning | undefined, { dialect, losses }: Writing): object {
  if (!reasoning) return {}
  const wanted = effortWanted(reasoning)
  if (dialect.reasoning === 'none') {
    if (wanted !== undefined && wanted !== 'none') losses.add('reasoning_effort', 'is not taken by this model')
    return {}
  }
  const effort = wanted && nearestEffort(wanted, stepsOf(dialect.efforts))
  const summary = reasoning.summary ?? (reasoning.visible ? 'auto' : undefined)
  return { ...(effort && { effort }), ...(summary && { summary }) }
}

function effortWanted({ effort, budget }: Reasoning): Effort | undefined {
  if (effort) return effort
  return budget === undefined || budget < 0 ? undefined : effortOf(budget)
}

function stepsOf(taken: readonly string[] | undefined): readonly Effort[] {
  return taken ? efforts.filter((effort) => taken.includes(effort)) : efforts
}

/** A model that does not reason refuses to be asked for its sealed reasoning. */
function writeInclude({ logprobs }: ChatRequest, { dialect }: Writing): string[] {
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

function writeTier(asked: string | undefined, { losses }: Writing): object {
  if (asked === undefined) return {}
  const tier = TIERS.get(asked.toLowerCase())
  if (tier === undefined) losses.unsayable('service_tier')
  return tier === undefined ? {} : { service_tier: tier }
}
