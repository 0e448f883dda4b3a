import { recordCitations } from '../../../chat/losses.js'
import type { ChatRequest, Setting, Turn } from '../../../chat/request.js'
import { recordSettings } from '../../../chat/settings.js'
import { RelayError } from '../../../errors.js'
import { withRaw } from '../../../lib/json.js'
import type { WriteOptions } from '../../protocol.js'
import { isSayable } from '../answer/citations.js'
import { writeCache } from '../cache-control.js'
import { ownFieldsOf } from '../native.js'
import { closedSchema } from './schema.js'
import type { Message } from './write-blocks.js'
import { isBlank, writeText } from './write-blocks.js'
import { writeSampling } from './write-sampling.js'
import { writeThinking } from './write-thinking.js'
import { writeTools } from './write-tools.js'
import { isSystemOnly, writeTurns } from './write-turns.js'

/** As of old where the place says nothing: enough for most answers, and no model has less. */
const MOST_TOKENS = 8192

/** What the language has words for. */
const SAYABLE: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'parallelToolCalls', 'maxOutputTokens', 'temperature', 'topP', 'topK', 'stop'] as const),
  ...(['format', 'reasoning', 'userId', 'serviceTier'] as const),
])

/** A request's body. @throws {RelayError} for what neither can be said nor left out */
export function writeRequest(request: ChatRequest, writing: WriteOptions): string {
  const { losses } = writing
  recordSettings(request, SAYABLE, losses)
  if (request.format?.type === 'json') losses.setting('format')
  recordCitations(request.turns, isSayable, losses)
  const messages = writeTurns(request.turns, writing)
  if (messages.length === 0) throw new RelayError('invalid_request', 'messages: nothing is said', { param: 'messages' })
  const maxTokens = request.maxOutputTokens ?? writing.dialect.defaultMaxOutputTokens ?? MOST_TOKENS
  const thinking = writeThinking(request, messages, maxTokens, writing)
  const { metadata, output_config, ...own } = ownFieldsOf(request.native)
  const body = {
    model: writing.model,
    max_tokens: maxTokens,
    ...writeSystem(request.turns, writing),
    ...writeTools(request, writing),
    ...writeSampling(request, thinking.isOn, writing),
    ...thinking.field,
    ...outputConfig(request, thinking.effort, output_config),
    ...userOf(request, metadata),
    ...tierOf(request, writing),
    ...writeCache(request.cache),
    ...own,
    ...(writing.stream && { stream: true }),
  }
  return withRaw(body, 'messages', `[${messages.map(spell).join(',')}]`)
}

function spell({ role, parts }: Message): string {
  return `{"role":"${role}","content":[${parts.map(({ json }) => json).join(',')}]}`
}

/** Text of the system, wherever it stood: not every model takes it in the midst of a conversation. */
function writeSystem(turns: readonly Turn[], { losses }: WriteOptions): object {
  if (isSystemOnly(turns)) {
    losses.add(turns[0]?.at ?? 'messages', 'a conversation needs a message of the user: this one is sent as such')
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
