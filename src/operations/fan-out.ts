import type { Call, CallEnd, Channel } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { RelayError } from '../errors.js'
import { ClientConnection } from '../lib/client-connection.js'
import { now } from '../lib/time.js'
import { type Means, sendAttempt } from '../policies/failover/failover.js'
import { MAX_ANSWER_BYTES } from '../upstream/attempt/attempt-events.js'
import type { Reply } from '../upstream/attempt/reply.js'
import type { CreateTranscoder } from '../upstream/transcode/transcoder.js'

/** So many shares of a call are under way at once. */
const MOST_AT_ONCE = 4

/** A part of what a call wants of a target, in a request of its own. */
export interface SubRequest {
  /** What has come for it: kept by its passage, and asked for no more where the target is tried again. */
  answer: object | undefined
  /** How much came, in bytes. */
  size: number
}

/** A call on its way through one channel. */
export interface ChannelCall {
  readonly call: Call
  readonly channel: Channel
  readonly means: Means
}

interface Asking<Kind extends SubRequest> {
  readonly open: (share: Kind) => CreateTranscoder
  /** A failure with which the others are still worth having. Left out: there is none. */
  readonly mayMiss?: (error: RelayError) => boolean
}

/** Asks for those shares that have not come. The first to fail fails them all, or else is given. @throws {RelayError} */
export async function fanOut<Kind extends SubRequest>(
  way: ChannelCall,
  shares: readonly Kind[],
  { open, mayMiss = () => false }: Asking<Kind>,
): Promise<RelayError | undefined> {
  const { client } = way.call
  if (client.isClosed) throw new RelayError('client_left', 'The client left.')
  const waiting = shares.filter(({ answer }) => !answer)
  // A queue that was made for one request at a time may have no room for more.
  const most = way.channel.target.upstream.pace ? 1 : MOST_AT_ONCE
  const lines = Array.from({ length: Math.min(most, waiting.length) }, () => new ClientConnection())
  const stop = (): void => {
    waiting.length = 0
    for (const line of lines) line.close()
  }
  let missed: RelayError | undefined
  const askInLine = async (line: ClientConnection): Promise<void> => {
    for (let share = waiting.shift(); share; share = waiting.shift()) {
      try {
        await askOne(way, open(share), line)
        checkSize(share, shares)
      } catch (error) {
        if (!(error instanceof RelayError && mayMiss(error))) throw error
        missed ??= error
      }
    }
  }
  client.listener = { onDisconnect: stop }
  try {
    await Promise.all(lines.map(askInLine))
  } finally {
    stop()
    client.listener = undefined
  }
  return missed
}

/** A share is a call of its own to the upstream, and to nobody else. Its answer is never a stream. */
function askOne(
  { call, channel, means }: ChannelCall,
  open: CreateTranscoder,
  client: ClientConnection,
): Promise<Reply> {
  const facts = { ...call.facts, stream: false }
  const part: Call = { ...call, facts, client, attempts: [], onEnd: undefined, open, settle: () => undefined }
  return sendAttempt(part, channel, means)
}

/** All that is held is one answer's. @throws {RelayError} the last to come is not kept */
function checkSize(last: SubRequest, shares: readonly SubRequest[]): void {
  if (shares.reduce((size, { answer, size: own }) => (answer ? size + own : size), 0) <= MAX_ANSWER_BYTES) return
  last.answer = undefined
  throw new RelayError('upstream_invalid', 'The provider gave too long an answer.')
}

/** What all shares have come to, as the call's one answer. */
interface Sum extends Pick<CallEnd, 'usage' | 'deliveredTokens' | 'refused'> {
  readonly text: string
  readonly losses: readonly Loss[]
  /** Left out: JSON. */
  readonly contentType?: string
}

/** Tells a call's answer, and settles it. */
export function completeFanOut(
  { call, channel: { target } }: ChannelCall,
  { text, contentType = '', ...sum }: Sum,
): Reply {
  call.attempts.push({ target: target.name, status: 200 })
  call.settle({ outcome: 'complete', status: 200, target, ...sum, firstOutputMs: now() - call.startedAt })
  return { status: 200, target: target.name, contentType, body: Buffer.from(text), losses: sum.losses }
}
