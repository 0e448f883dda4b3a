import { recordCitations } from '../../../chat/losses.js'
import type { ChatRequest, Setting, Turn } from '../../../chat/request.js'
import { recordSettings } from '../../../chat/settings.js'
import { RelayError } from '../../../errors.js'
import { withRaw } from '../../../lib/json.js'
import type { WriteOptions } from '../../protocol.js'
import { isSupportedCitation } from '../answer/citations.js'
import { writeCache } from '../cache-control.js'
import { nativeFields } from '../native.js'
import { closedSchema } from './schema.js'
import { isBlank, type Message, writeText } from './write-blocks.js'
import { writeSampling } from './write-sampling.js'
import { writeThinking } from './write-thinking.js'
import { writeTools } from './write-tools.js'
import { isSystemOnly, writeTurns } from './write-turns.js'

/** The default `max_tokens` for models whose dialect names none. Every model accepts it. */
const DEFAULT_MAX_TOKENS = 8192

/** The settings that the protocol can express. */
const SUPPORTED_SETTINGS: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'topK', 'stop'] as const),
  ...(['format', 'reasoning', 'userId', 'serviceTier'] as const),
])

/** Writes a request's body. @throws {RelayError} 400 for content that the protocol can neither express nor leave out */
export function writeRequest(request: ChatRequest, options: WriteOptions): string {
  const { losses } = options
  recordSettings(request, SUPPORTED_SETTINGS, losses)
  if (request.format?.type === 'json') losses.setting('format')
  recordCitations(request.turns, isSupportedCitation, losses)
  const messages = writeTurns(request.turns, options)
  if (messages.length === 0) {
    const message = 'messages: no message has content. Send at least one message with text.'
    throw new RelayError('invalid_request', message, { param: 'messages' })
  }
  const maxTokens = request.maxOutputTokens ?? options.dialect.defaultMaxOutputTokens ?? DEFAULT_MAX_TOKENS
  const thinking = writeThinking(request, messages, maxTokens, options)
  const { metadata, output_config, ...own } = nativeFields(request.native)
  const body = {
    model: options.model,
    max_tokens: maxTokens,
    ...writeSystem(request.turns, options),
    ...writeTools(request, options),
    ...writeSampling(request, thinking.isOn, options),
    ...thinking.field,
    ...outputConfig(request, thinking.effort, output_config),
    ...userOf(request, metadata),
    ...tierOf(request, options),
    ...writeCache(request.cache),
    ...own,
    ...(options.stream && { stream: true }),
  }
  return withRaw(body, 'messages', `[${messages.map(writeMessage).join(',')}]`)
}

function writeMessage({ role, blocks }: Message): string {
  return `{"role":"${role}","content":[${blocks.map(({ json }) => json).join(',')}]}`
}

/** Joins all system text, because not every model accepts it between other messages. */
function writeSystem(turns: readonly Turn[], { losses }: WriteOptions): object {
  if (isSystemOnly(turns)) {
    losses.add(turns[0]?.at ?? 'messages', 'must be a user message, because a conversation needs one')
    return {}
  }
  const blocks = turns.filter(({ role }) => role === 'system').flatMap((turn) => systemBlocks(turn, losses))
  if (blocks.length === 0) return {}
  const [only] = blocks
  const isPlain = blocks.length === 1 && Object.keys(only ?? {}).length === 2
  return { system: isPlain && only && 'text' in only ? only.text : blocks }
}

function systemBlocks(turn: Turn, losses: WriteOptions['losses']): object[] {
  if (turn.name !== undefined) losses.noEquivalent(`${turn.at}.name`)
  return turn.blocks.flatMap((block) => {
    if (isBlank(block)) return []
    if (block.type === 'text') return [writeText(block, 'user')]
    losses.noEquivalent(block.at ?? '')
    return []
  })
}

function outputConfig({ format }: ChatRequest, effort: string | undefined, own: unknown): object {
  const config = {
    ...(effort && { effort }),
    ...(format?.type === 'schema' && { format: { type: 'json_schema', schema: closedSchema(format.schema) } }),
    ...(own as object | undefined),
  }
  return Object.keys(config).length > 0 ? { output_config: config } : {}
}

function userOf({ userId }: ChatRequest, own: unknown): object {
  const metadata = { ...(own as object | undefined), ...(userId !== undefined && { user_id: userId }) }
  return Object.keys(metadata).length > 0 ? { metadata } : {}
}

const TIERS = new Map([
  ['auto', 'auto'],
  ['default', 'standard_only'],
])

function tierOf({ serviceTier }: ChatRequest, { losses }: WriteOptions): object {
  if (serviceTier === undefined) return {}
  const service_tier = TIERS.get(serviceTier)
  if (service_tier === undefined) losses.setting('serviceTier')
  return { service_tier }
}
