import { recordCitations } from '../../chat/losses.js'
import type { ChatRequest, Setting } from '../../chat/request.js'
import { recordSettings } from '../../chat/settings.js'
import { RelayError } from '../../errors.js'
import { writeSampling } from '../openai-chat/request/sampling.js'
import { USAGE_REQUEST } from '../openai-chat/request/write-request.js'
import type { WriteOptions } from '../protocol.js'
import { PROTOCOL_ID } from './read-request.js'

/** Settings that the protocol has a field for. */
const SUPPORTED_SETTINGS: ReadonlySet<Setting> = new Set([
  ...(['maxOutputTokens', 'temperature', 'topP', 'frequencyPenalty', 'presencePenalty', 'seed', 'stop'] as const),
  ...(['choices', 'userId'] as const),
])

/** Writes a request with one prompt. @throws {RelayError} for a conversation with more than one user text */
export function writeRequest(request: ChatRequest, options: WriteOptions): string {
  const { losses } = options
  for (const tool of request.tools) losses.noEquivalent(tool.at)
  recordSettings(request, SUPPORTED_SETTINGS, losses)
  recordCitations(request.turns, () => false, losses)
  return JSON.stringify({
    model: options.model,
    prompt: promptOf(request),
    max_tokens: request.maxOutputTokens,
    ...writeSampling(request, options),
    user: request.userId,
    ...(request.native?.protocol === PROTOCOL_ID && request.native.fields),
    ...(options.stream && { stream: true, ...(options.dialect.acceptsUsageRequest !== false && USAGE_REQUEST) }),
  })
}

function promptOf({ turns }: ChatRequest): string {
  const [turn, ...others] = turns
  const [block, ...otherBlocks] = turn?.blocks ?? []
  const isPlain = turn?.role === 'user' && block?.type === 'text' && otherBlocks.length === 0 && others.length === 0
  if (isPlain) return block.text
  const param = others[0]?.at ?? turn?.at ?? 'messages'
  throw new RelayError('invalid_request', `${param}: completions accept one user text, not a conversation.`, { param })
}
