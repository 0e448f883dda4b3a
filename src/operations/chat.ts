import type { Call } from '../call.js'
import type { MediaBlock } from '../chat/blocks.js'
import { replyResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import type { Target } from '../targets.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { fetchMedia } from '../upstream/media/fetch-media.js'
import { fetchRemote, type RemoteLimits } from '../upstream/media/fetch-remote.js'
import { watchStream } from '../upstream/transcode/stored-responses.js'
import { protocolFor } from '../upstream/transcode/target-protocol.js'
import { createConversationTranscoder } from '../upstream/transcode/transcoder.js'
import { conversationOf } from '../upstream/transcode/translation.js'
import { answerPrompts, readPrompts } from './prompt-batch.js'
import { relayCall, routeCall, type SendCall, sendWith } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** Relays a conversation to a target, in the target's protocol, and returns the answer whole or as a stream. */
export const chat: OperationHandler = async (services, context) => {
  const routed = await routeCall(services, context, { readFacts: context.protocol.readFacts })
  const send = services.config.media.fetch ? sendWithMedia(services) : sendWith(services, createConversationTranscoder)
  const prompts = readPrompts(routed)
  const reply = prompts
    ? await answerPrompts(services, context, routed, prompts, send)
    : storeReply(await relayCall(services, routed, send), routed.call, services)
  return replyResponse(reply, context.id, context.attempts)
}

/** Stores the answer for its caller, where the config allows it, the protocol can refer to it and the client wants it. */
function storeReply(
  reply: Reply,
  { protocol: { responseStorage }, caller, body }: Call,
  { storedResponses }: Services,
): Reply {
  if (!responseStorage || !storedResponses || !responseStorage.isStorageRequested(body)) return reply
  const store = (answer: Buffer): void => {
    const storable = responseStorage.toStorable(body, answer)
    if (storable) storedResponses.store(caller.id, storable)
  }
  if (!Buffer.isBuffer(reply.body)) return { ...reply, body: watchStream(reply.body, responseStorage, store) }
  store(reply.body)
  return reply
}

/** Fetches media before each attempt that needs the bytes: a target that accepts URLs may reach what the relay cannot. */
function sendWithMedia({ failover, attempts, config: { media } }: Services): SendCall {
  return (call, plan) =>
    failover.run(call, plan, async (attempted, channel) => {
      await fetchUnsupportedMedia(attempted, channel.target, media)
      return attempts.send(attempted, channel, createConversationTranscoder)
    })
}

const MEDIA_KINDS: readonly MediaBlock['kind'][] = ['image', 'audio', 'video', 'file']

/** Replaces URLs in the conversation by bytes, for the kinds of media that the target accepts only as bytes. @throws {RelayError} 400 */
async function fetchUnsupportedMedia(call: Call, target: Target, limits: RemoteLimits): Promise<void> {
  const protocol = protocolFor(target, call.protocol)
  if (protocol === call.protocol) return
  const byUrl = target.dialect.mediaByUrl ?? protocol.traits.mediaByUrl ?? MEDIA_KINDS
  const kinds = new Set(MEDIA_KINDS.filter((kind) => !byUrl.includes(kind)))
  if (kinds.size > 0) call.conversation = await fetchMedia(conversationOf(call), { kinds, limits, fetch: fetchRemote })
}
