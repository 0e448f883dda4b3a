import type { Call, CallEnd, Target } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { NO_USAGE, sumOf } from '../chat/usage.js'
import type { RelayError } from '../errors.js'
import { estimateInput } from '../policies/admission/estimate.js'
import { type Means, type SendToChannel, sendAttempt } from '../policies/failover/failover.js'
import type { DrawnImage, ImageRequest } from '../protocols/image-generation.js'
import { writeImages } from '../protocols/openai-media/write-images.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { reportsOutput } from '../upstream/stream/token-estimate.js'
import {
  createImageJob,
  createImageTranscoder,
  type ImageJob,
  type ImageModel,
  type ImageSubRequest,
  imageModelOf,
  isFilteredOut,
} from '../upstream/transcode/image-transcoder.js'
import { type ChannelCall, completeFanOut, fanOut } from './fan-out.js'

/** What an image comes to in tokens where nobody has counted: as Google counts those of a million pixels. */
const TOKENS_PER_IMAGE = 1290
const STREAM_TYPE = 'text/event-stream; charset=utf-8'

/**
 * Has a call's images drawn by targets that do not speak its language: of more than such a target draws at once, in
 * several requests. All images of an answer are of one target. `prepare` gives what it is asked for.
 */
export function inShares(prepare: () => Promise<ImageRequest>): SendToChannel {
  let last: { readonly target: Target; readonly shares: readonly ImageSubRequest[] } | undefined
  return async (call, channel, means) => {
    const { target } = channel
    const studio = target.speaks.includes(call.protocol) ? undefined : imageModelOf(target)
    if (!studio) return sendAttempt(call, channel, means)
    const request = await prepare()
    if (last?.target !== target) last = { target, shares: shareOut(request, { studio, target, means }) }
    const way = { call, channel, means }
    const missed = await fanOut(way, last.shares, { open: createImageTranscoder, mayMiss: isFilteredOut })
    return answer(way, { request, shares: last.shares, missed })
  }
}

interface Order {
  readonly studio: ImageModel
  readonly target: Target
  readonly means: Means
}

/** Those for as many images are the same request. */
function shareOut(request: ImageRequest, { studio, target: { model }, means: { strict } }: Order): ImageSubRequest[] {
  const written = new Map<number, ImageJob>()
  const shares: ImageSubRequest[] = []
  for (let left = request.count; left > 0; left -= studio.imaging.mostImages) {
    const count = Math.min(left, studio.imaging.mostImages)
    const known = written.get(count) ?? createImageJob(request, { studio, model, count, strict })
    written.set(count, known)
    shares.push({ imageModel: studio, job: known, answer: undefined, size: 0 })
  }
  return shares
}

interface Drawn {
  readonly request: ImageRequest
  readonly shares: readonly ImageSubRequest[]
  /** Why some are missing. */
  readonly missed: RelayError | undefined
}

/** All that was drawn, as one answer. @throws {RelayError} where nothing was */
function answer(way: ChannelCall, { request, shares, missed }: Drawn): Reply {
  const answers = shares.flatMap((share) => share.answer ?? [])
  const images = answers.flatMap((one) => one.images)
  if (missed && images.length === 0) throw missed
  const usage = sumOf(answers.map((one) => one.usage))
  return completeFanOut(way, {
    text: writeImages({ images, usage }, request, Math.floor(Date.now() / 1000)),
    ...(reportsOutput(usage) ? { usage } : guess(way.call, images.length)),
    refused: images.length < request.count,
    losses: [...(shares[0]?.job.losses ?? []), ...missing(images, request)],
    contentType: request.stream ? STREAM_TYPE : '',
  })
}

function missing(images: readonly DrawnImage[], { count }: ImageRequest): readonly Loss[] {
  if (images.length >= count) return []
  return [{ path: 'n', reason: `${images.length} of ${count} were drawn, the provider kept the others back` }]
}

/** What nobody has counted. */
function guess({ body }: Call, count: number): Pick<CallEnd, 'usage' | 'deliveredTokens'> {
  const output = count * TOKENS_PER_IMAGE
  return { usage: { ...NO_USAGE, input: estimateInput(body), output, imageOutput: output }, deliveredTokens: output }
}
