import type { Call, Channel, End, Target } from '../call.js'
import type { Loss } from '../chat/losses.js'
import type { Usage } from '../chat/usage.js'
import { RelayError } from '../errors.js'
import { Departure } from '../lib/departure.js'
import { now } from '../lib/time.js'
import { estimateInput } from '../policies/estimate.js'
import { type Means, type Send, sendOnce } from '../policies/failover.js'
import type { DrawnImage, ImageAnswer, ImageRequest } from '../protocols/imaging.js'
import { writeImages } from '../protocols/openai-media/write-images.js'
import { tellsOutput } from '../upstream/delivered.js'
import { type Commission, commission, openShare, type Share, type Studio, studioOf } from '../upstream/image.js'
import { LONGEST_ANSWER } from '../upstream/intake.js'
import type { Reply } from '../upstream/reply.js'

/** So many shares of a call are under way at once. */
const MOST_AT_ONCE = 4
/** What an image comes to in tokens where nobody has counted: as Google counts those of a million pixels. */
const TOKENS_PER_IMAGE = 1290
const NOTHING: Usage = { input: 0, cachedInput: 0, cacheWriteInput: 0, output: 0, reasoning: 0 }
const STREAM_TYPE = 'text/event-stream; charset=utf-8'

/**
 * Has a call's images drawn by targets that do not speak its language: of more than such a target draws at once, in
 * several requests. All images of an answer are of one target. What has come from it is not asked for again where it is
 * tried again.
 */
export function inShares(request: ImageRequest): Send {
  let last: { readonly target: Target; readonly shares: readonly Share[] } | undefined
  return async (call, channel, means) => {
    const { target } = channel
    const studio = target.speaks.includes(call.protocol) ? undefined : studioOf(target)
    if (!studio) return sendOnce(call, channel, means)
    if (last?.target !== target) last = { target, shares: shareOut(request, { studio, target, means }) }
    const blocked = await askAll({ call, channel, means }, last.shares)
    return answer({ call, channel, request }, last.shares, blocked)
  }
}

interface Order {
  readonly studio: Studio
  readonly target: Target
  readonly means: Means
}

/** Those for as many images are the same request. */
function shareOut(request: ImageRequest, { studio, target: { model }, means: { strict } }: Order): Share[] {
  const written = new Map<number, Commission>()
  const shares: Share[] = []
  for (let left = request.count; left > 0; left -= studio.imaging.mostImages) {
    const count = Math.min(left, studio.imaging.mostImages)
    const known = written.get(count) ?? commission(request, { studio, model, count, strict })
    written.set(count, known)
    shares.push({ studio, commission: known, answer: undefined })
  }
  return shares
}

interface Way {
  readonly call: Call
  readonly channel: Channel
  readonly means: Means
}

/** The first share to fail fails them all, but for what was filtered: of that the first error is given. @throws {RelayError} */
async function askAll(way: Way, shares: readonly Share[]): Promise<RelayError | undefined> {
  const { call, channel } = way
  if (call.departure.left) throw new RelayError('client_left', 'The client left.')
  const waiting = shares.filter((share) => !share.answer)
  // A queue that was made for one request at a time may have no room for more.
  const most = channel.target.upstream.pace ? 1 : MOST_AT_ONCE
  const lines = Array.from({ length: Math.min(most, waiting.length) }, () => new Departure())
  const stop = (): void => {
    waiting.length = 0
    for (const departure of lines) departure.leave()
  }
  let blocked: RelayError | undefined
  let held = shares.reduce((size, share) => size + sizeOf(share), 0)
  const askInLine = async (departure: Departure): Promise<void> => {
    for (let share = waiting.shift(); share; share = waiting.shift()) {
      try {
        await askOne(way, share, departure)
        held += sizeOf(share)
        if (held > LONGEST_ANSWER) throw new RelayError('upstream_invalid', 'The provider gave too long an answer.')
      } catch (error) {
        if (!(error instanceof RelayError) || error.kind !== 'content_filtered') throw error
        blocked ??= error
      }
    }
  }
  call.departure.waiter = { clientLeft: stop }
  try {
    await Promise.all(lines.map(askInLine))
  } finally {
    stop()
    call.departure.waiter = undefined
  }
  return blocked
}

/** A share is a call of its own to the upstream, and to nobody else. Its answer is never a stream. */
function askOne({ call, channel, means }: Way, share: Share, departure: Departure): Promise<Reply> {
  const part: Call = {
    ...call,
    facts: { ...call.facts, stream: false },
    departure,
    attempts: [],
    ended: undefined,
    open: openShare(share),
    settle: () => undefined,
  }
  return sendOnce(part, channel, means)
}

/** In bytes of Base64. */
function sizeOf({ answer }: Share): number {
  return answer?.images.reduce((size, { data }) => size + data.length, 0) ?? 0
}

interface Asked {
  readonly call: Call
  readonly channel: Channel
  readonly request: ImageRequest
}

/** All that was drawn, as one answer. @throws {RelayError} where all was filtered */
function answer({ call, channel, request }: Asked, shares: readonly Share[], blocked: RelayError | undefined): Reply {
  const { target } = channel
  const answers = shares.flatMap((share) => share.answer ?? [])
  const images = answers.flatMap((one) => one.images)
  if (blocked && images.length === 0) throw blocked
  const usage = sumOf(answers)
  const text = writeImages({ images, usage }, request, Math.floor(Date.now() / 1000))
  const losses = [...(shares[0]?.commission.losses ?? []), ...missing(images, request)]
  const refused = images.length < request.count
  const counted = tellsOutput(usage) ? { usage } : guess(call, images.length)
  const firstOutputMs = now() - call.startedAt
  call.attempts.push({ target: target.name, status: 200 })
  call.settle({ outcome: 'complete', status: 200, target, ...counted, refused, losses, firstOutputMs })
  const contentType = request.stream ? STREAM_TYPE : ''
  return { status: 200, target: target.name, contentType, body: Buffer.from(text), losses }
}

function missing(images: readonly DrawnImage[], { count }: ImageRequest): readonly Loss[] {
  if (images.length >= count) return []
  return [{ path: 'n', reason: `${images.length} of ${count} were drawn, the provider kept the others back` }]
}

/** What nobody has counted. */
function guess({ body }: Call, count: number): Pick<End, 'usage' | 'delivered'> {
  const output = count * TOKENS_PER_IMAGE
  const usage = { ...NOTHING, input: estimateInput(body), output, imageOutput: output }
  return { usage, delivered: output }
}

/** Undefined where one of them is not told. */
function sumOf(answers: readonly ImageAnswer[]): Usage | undefined {
  let sum = NOTHING
  for (const { usage } of answers) {
    if (!usage) return undefined
    sum = added(sum, usage)
  }
  return sum
}

function added(one: Usage, other: Usage): Usage {
  const parts = Object.entries(other).map(([part, tokens]) => [part, (one[part as keyof Usage] ?? 0) + tokens])
  return { ...one, ...Object.fromEntries(parts) }
}
