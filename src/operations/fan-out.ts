import type { Call, CallEnd } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { RelayError } from '../errors.js'
import { ClientConnection } from '../lib/client-connection.js'
import { now } from '../lib/time.js'
import type { Channel } from '../targets.js'
import type { AttemptSender } from '../upstream/attempt/attempt.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { MAX_ANSWER_BYTES } from '../upstream/stream/buffered-body.js'
import type { CreateTranscoder } from '../upstream/transcode/transcoder.js'

/** Number of requests of one call that are in progress at once. */
const MAX_CONCURRENT_REQUESTS = 4

/** One of several upstream requests that together answer a call. */
export interface SubRequest {
  /** Filled by the sub-request's transcoder. A further attempt at the same target does not ask again. */
  answer: object | undefined
  /** Size of the answer in bytes. */
  size: number
}

export interface FanOutOptions<Kind extends SubRequest> {
  readonly createTranscoder: (request: Kind) => CreateTranscoder
  /** Whether the other answers are still useful after this failure. Left out: they never are. */
  readonly isTolerated?: (error: RelayError) => boolean
}

/**
 * Sends those sub-requests that have no answer yet to one channel, up to four at once. Returns the first tolerated
 * failure. Any other failure cancels the rest. @throws {RelayError}
 */
export async function fanOut<Kind extends SubRequest>(
  attempts: AttemptSender,
  call: Call,
  channel: Channel,
  requests: readonly Kind[],
  { createTranscoder, isTolerated = () => false }: FanOutOptions<Kind>,
): Promise<RelayError | undefined> {
  const { client } = call
  if (client.isClosed) throw new RelayError('client_left', 'The client disconnected.')
  const pending = requests.filter(({ answer }) => !answer)
  // The queue of a paced upstream may have no room for several requests of one call.
  const limit = channel.target.upstream.pace ? 1 : MAX_CONCURRENT_REQUESTS
  const connections = Array.from({ length: Math.min(limit, pending.length) }, () => new ClientConnection())
  const cancel = (): void => {
    pending.length = 0
    for (const connection of connections) connection.close()
  }
  let tolerated: RelayError | undefined
  const sendPending = async (connection: ClientConnection): Promise<void> => {
    for (let request = pending.shift(); request; request = pending.shift()) {
      try {
        await attempts.send(subCall(call, connection), channel, createTranscoder(request))
        checkTotalSize(request, requests)
      } catch (error) {
        if (!(error instanceof RelayError && isTolerated(error))) throw error
        tolerated ??= error
      }
    }
  }
  client.listener = { onDisconnect: cancel }
  try {
    await Promise.all(connections.map(sendPending))
  } finally {
    cancel()
    client.listener = undefined
  }
  return tolerated
}

/** A call that exists toward the upstream only: nothing admits, settles or records it. It never streams. */
function subCall(call: Call, client: ClientConnection): Call {
  const facts = { ...call.facts, stream: false }
  return { ...call, facts, client, attempts: [], onEnd: undefined, settle: () => undefined }
}

/** All sub-answers together may be as large as one answer. @throws {RelayError} after dropping the last one */
function checkTotalSize(last: SubRequest, requests: readonly SubRequest[]): void {
  let total = 0
  for (const { answer, size } of requests) if (answer) total += size
  if (total <= MAX_ANSWER_BYTES) return
  last.answer = undefined
  throw new RelayError('upstream_invalid', 'The provider gave too long an answer.')
}

/** The answer of a call, made from those of its sub-requests. */
export interface CombinedAnswer extends Pick<CallEnd, 'usage' | 'deliveredTokens' | 'refused'> {
  readonly text: string
  readonly losses: readonly Loss[]
  /** Left out: JSON. */
  readonly contentType?: string
}

/** Settles the call, and returns its combined answer. */
export function completeFanOut(
  call: Call,
  { target }: Channel,
  { text, contentType = '', ...end }: CombinedAnswer,
): Reply {
  call.attempts.push({ target: target.name, status: 200 })
  call.settle({ outcome: 'complete', status: 200, target, ...end, firstOutputMs: now() - call.startedAt })
  return { status: 200, target: target.name, contentType, body: Buffer.from(text), losses: end.losses }
}
