import { recordCitations } from '../../chat/losses.js'
import type { ChatRequest, Setting } from '../../chat/request.js'
import { recordSettings } from '../../chat/settings.js'
import { RelayError } from '../../errors.js'
import { writeSampling } from '../openai-chat/sampling.js'
import { ASKING } from '../openai-chat/write-request.js'
import type { WriteOptions } from '../protocol.js'
import { LANGUAGE } from './language.js'

/** What the language has words for. */
const SAYABLE: ReadonlySet<Setting> = new Set([
  ...(['maxOutputTokens', 'temperature', 'topP', 'frequencyPenalty', 'presencePenalty', 'seed', 'stop'] as const),
  ...(['choices', 'userId'] as const),
])

/** A prompt. @throws {RelayError} for a conversation of more than one text of the user */
export function writeRequest(request: ChatRequest, writing: WriteOptions): string {
  const { losses } = writing
  for (const tool of request.tools) losses.noEquivalent(tool.at)
  recordSettings(request, SAYABLE, losses)
  recordCitations(request.turns, () => false, losses)
  return JSON.stringify({
    model: writing.model,
    prompt: promptOf(request),
    max_tokens: request.maxOutputTokens,
    ...writeSampling(request, writing),
    user: request.userId,
    ...(request.native?.protocol === LANGUAGE && request.native.fields),
    ...(writing.stream && { stream: true, ...(writing.dialect.acceptsUsageRequest !== false && ASKING) }),
  })
}

function promptOf({ turns }: ChatRequest): string {
  const [turn, ...others] = turns
  const [block, ...rest] = turn?.blocks ?? []
  const isPlain = turn?.role === 'user' && block?.type === 'text' && rest.length === 0 && others.length === 0
  if (isPlain) return block.text
  const param = others[0]?.at ?? turn?.at ?? 'messages'
  throw new RelayError('invalid_request', `${param}: a prompt is one text of the user, no conversation.`, { param })
}
