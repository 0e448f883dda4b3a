import { answerReply } from '../answers.js'
import type { Call, Target } from '../call.js'
import type { MediaBlock } from '../chat/blocks.js'
import type { Parts } from '../parts.js'
import { failover, sendOnce } from '../policies/failover.js'
import { watchStream } from '../upstream/kept.js'
import { languageFor } from '../upstream/language.js'
import { fetchMedia } from '../upstream/media.js'
import { openConversation } from '../upstream/passage.js'
import { fetchRemote, type RemoteLimits } from '../upstream/remote.js'
import type { Reply } from '../upstream/reply.js'
import { conversationOf } from '../upstream/translation.js'
import type { Perform } from './operation.js'
import { type Routed, relayCall, routeCall, routeQuestion, type Send } from './relayed.js'
import { type Ask, answerSeries, type Questions } from './series.js'

/** A conversation: its model is routed, it goes there in the model's own language, and the answer comes back whole or as it grows. */
export const chat: Perform = async (parts, visit) => {
  const routed = await routeCall(parts, visit, { open: openConversation, readFacts: visit.protocol.readFacts })
  const send = parts.config.media.fetch ? sendWithMedia : undefined
  const questions = questionsOf(routed)
  if (questions) {
    const ask: Ask = (index) => {
      const question = routeQuestion(parts, visit, routed, { index, body: questions.bodies[index] as Buffer })
      return relayCall(parts, question, send).finally(() => visit.attempts.push(...question.call.attempts))
    }
    return answerReply(await answerSeries(ask, questions), visit.id, visit.attempts)
  }
  const reply = await relayCall(parts, routed, send)
  return answerReply(kept(reply, routed.call, parts), visit.id, visit.attempts)
}

/** The questions of a request that asks several, where no target takes them at once. */
function questionsOf({ call: { protocol, body }, plan }: Routed): Questions | undefined {
  const { batch } = protocol
  if (!batch || plan.targets.some(({ speaks }) => speaks.includes(protocol))) return undefined
  const bodies = batch.split(body)
  return bodies.length > 0 ? { bodies, batch, protocol } : undefined
}

/** The same answer, kept for its caller where that is configured and the language has a way to refer to it. */
function kept(reply: Reply, { protocol: { recall }, caller, body }: Call, { kept }: Parts): Reply {
  if (!recall || !kept || !recall.isWanted(body)) return reply
  const keep = (answer: Buffer): void => {
    const keeping = recall.keep(body, answer)
    if (keeping) kept.keep(caller.id, keeping)
  }
  if (!Buffer.isBuffer(reply.body)) return { ...reply, body: watchStream(reply.body, recall, keep) }
  keep(reply.body)
  return reply
}

const KINDS: readonly MediaBlock['kind'][] = ['image', 'audio', 'video', 'file']

/** Before each target that needs it: one that takes addresses may see what the relay cannot. */
const sendWithMedia: Send = ({ means, config: { media } }, call, plan) =>
  failover(call, plan, {
    ...means,
    async send(own, channel, sending) {
      await bringMedia(own, channel.target, media)
      return sendOnce(own, channel, sending)
    },
  })

/** Fetches what the conversation names by its address, and its target takes only as bytes. @throws {RelayError} 400 */
async function bringMedia(call: Call, target: Target, limits: RemoteLimits): Promise<void> {
  const language = languageFor(target, call.protocol)
  if (language === call.protocol) return
  const { remoteMedia = KINDS } = { ...language.traits, ...target.dialect }
  const kinds = new Set(KINDS.filter((kind) => !remoteMedia.includes(kind)))
  if (kinds.size > 0) call.conversation = await fetchMedia(conversationOf(call), { kinds, limits, fetch: fetchRemote })
}
