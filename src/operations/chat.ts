import type { Call, Target } from '../call.js'
import type { MediaBlock } from '../chat/blocks.js'
import { failover, sendAttempt } from '../policies/failover/failover.js'
import { replyResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { fetchMedia } from '../upstream/media/fetch-media.js'
import { fetchRemote, type RemoteLimits } from '../upstream/media/fetch-remote.js'
import { protocolFor } from '../upstream/transcode/protocol-for.js'
import { watchStream } from '../upstream/transcode/stored-responses.js'
import { createConversationTranscoder } from '../upstream/transcode/transcoder.js'
import { conversationOf } from '../upstream/transcode/translation.js'
import { type AnswerPrompt, answerPrompts, type PromptBatch } from './prompt-batch.js'
import { type RoutedCall, relayCall, routeCall, routePrompt, type SendCall } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** A conversation: its model is routed, it goes there in the model's own language, and the answer comes back whole or as it grows. */
export const chat: OperationHandler = async (parts, visit) => {
  const routed = await routeCall(parts, visit, {
    open: createConversationTranscoder,
    readFacts: visit.protocol.readFacts,
  })
  const send = parts.config.media.fetch ? sendWithMedia : undefined
  const questions = questionsOf(routed)
  if (questions) {
    const ask: AnswerPrompt = (index) => {
      const question = routePrompt(parts, visit, routed, { index, body: questions.bodies[index] as Buffer })
      return relayCall(parts, question, send).finally(() => visit.attempts.push(...question.call.attempts))
    }
    return replyResponse(await answerPrompts(ask, questions), visit.id, visit.attempts)
  }
  const reply = await relayCall(parts, routed, send)
  return replyResponse(kept(reply, routed.call, parts), visit.id, visit.attempts)
}

/** The questions of a request that asks several, where no target takes them at once. */
function questionsOf({ call: { protocol, body }, plan }: RoutedCall): PromptBatch | undefined {
  const { promptBatching } = protocol
  if (!promptBatching || plan.targets.some(({ speaks }) => speaks.includes(protocol))) return undefined
  const bodies = promptBatching.split(body)
  return bodies.length > 0 ? { bodies, batch: promptBatching, protocol } : undefined
}

/** The same answer, kept for its caller where that is configured and the language has a way to refer to it. */
function kept(
  reply: Reply,
  { protocol: { responseStorage }, caller, body }: Call,
  { storedResponses }: Services,
): Reply {
  if (!responseStorage || !storedResponses || !responseStorage.isWanted(body)) return reply
  const keep = (answer: Buffer): void => {
    const keeping = responseStorage.keep(body, answer)
    if (keeping) storedResponses.store(caller.id, keeping)
  }
  if (!Buffer.isBuffer(reply.body)) return { ...reply, body: watchStream(reply.body, responseStorage, keep) }
  keep(reply.body)
  return reply
}

const KINDS: readonly MediaBlock['kind'][] = ['image', 'audio', 'video', 'file']

/** Before each target that needs it: one that takes addresses may see what the relay cannot. */
const sendWithMedia: SendCall = ({ means, config: { media } }, call, plan) =>
  failover(call, plan, {
    ...means,
    async send(own, channel, sending) {
      await bringMedia(own, channel.target, media)
      return sendAttempt(own, channel, sending)
    },
  })

/** Fetches what the conversation names by its address, and its target takes only as bytes. @throws {RelayError} 400 */
async function bringMedia(call: Call, target: Target, limits: RemoteLimits): Promise<void> {
  const language = protocolFor(target, call.protocol)
  if (language === call.protocol) return
  const { mediaByUrl = KINDS } = { ...language.traits, ...target.dialect }
  const kinds = new Set(KINDS.filter((kind) => !mediaByUrl.includes(kind)))
  if (kinds.size > 0) call.conversation = await fetchMedia(conversationOf(call), { kinds, limits, fetch: fetchRemote })
}
