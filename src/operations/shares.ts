import type { Call, Channel, End } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { RelayError } from '../errors.js'
import { Departure } from '../lib/departure.js'
import { now } from '../lib/time.js'
import { type Means, sendOnce } from '../policies/failover.js'
import { LONGEST_ANSWER } from '../upstream/intake.js'
import type { OpenPassage } from '../upstream/passage.js'
import type { Reply } from '../upstream/reply.js'

/** So many shares of a call are under way at once. */
const MOST_AT_ONCE = 4

/** A part of what a call wants of a target, in a request of its own. */
export interface Share {
  /** What has come for it: kept by its passage, and asked for no more where the target is tried again. */
  answer: object | undefined
  /** How much came, in bytes. */
  size: number
}

/** A call on its way through one channel. */
export interface Way {
  readonly call: Call
  readonly channel: Channel
  readonly means: Means
}

interface Asking<Kind extends Share> {
  readonly open: (share: Kind) => OpenPassage
  /** A failure with which the others are still worth having. Left out: there is none. */
  readonly mayMiss?: (error: RelayError) => boolean
}

/** Asks for those shares that have not come. The first to fail fails them all, or else is given. @throws {RelayError} */
export async function askShares<Kind extends Share>(
  way: Way,
  shares: readonly Kind[],
  { open, mayMiss = () => false }: Asking<Kind>,
): Promise<RelayError | undefined> {
  const { departure } = way.call
  if (departure.left) throw new RelayError('client_left', 'The client left.')
  const waiting = shares.filter(({ answer }) => !answer)
  // A queue that was made for one request at a time may have no room for more.
  const most = way.channel.target.upstream.pace ? 1 : MOST_AT_ONCE
  const lines = Array.from({ length: Math.min(most, waiting.length) }, () => new Departure())
  const stop = (): void => {
    waiting.length = 0
    for (const line of lines) line.leave()
  }
  let missed: RelayError | undefined
  const askInLine = async (line: Departure): Promise<void> => {
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
  departure.waiter = { clientLeft: stop }
  try {
    await Promise.all(lines.map(askInLine))
  } finally {
    stop()
    departure.waiter = undefined
  }
  return missed
}

/** A share is a call of its own to the upstream, and to nobody else. Its answer is never a stream. */
function askOne({ call, channel, means }: Way, open: OpenPassage, departure: Departure): Promise<Reply> {
  const facts = { ...call.facts, stream: false }
  const part: Call = { ...call, facts, departure, attempts: [], ended: undefined, open, settle: () => undefined }
  return sendOnce(part, channel, means)
}

/** All that is held is one answer's. @throws {RelayError} the last to come is not kept */
function checkSize(last: Share, shares: readonly Share[]): void {
  if (shares.reduce((size, { answer, size: own }) => (answer ? size + own : size), 0) <= LONGEST_ANSWER) return
  last.answer = undefined
  throw new RelayError('upstream_invalid', 'The provider gave too long an answer.')
}

/** What all shares have come to, as the call's one answer. */
interface Sum extends Pick<End, 'usage' | 'delivered' | 'refused'> {
  readonly text: string
  readonly losses: readonly Loss[]
  /** Left out: JSON. */
  readonly contentType?: string
}

/** Tells a call's answer, and settles it. */
export function tellSum({ call, channel: { target } }: Way, { text, contentType = '', ...sum }: Sum): Reply {
  call.attempts.push({ target: target.name, status: 200 })
  call.settle({ outcome: 'complete', status: 200, target, ...sum, firstOutputMs: now() - call.startedAt })
  return { status: 200, target: target.name, contentType, body: Buffer.from(text), losses: sum.losses }
}
