import type { Call, CallEnd } from '../call.js'
import type { MediaBlock } from '../chat/blocks.js'
import type { Loss } from '../chat/losses.js'
import { NO_USAGE, sumOf } from '../chat/usage.js'
import type { RelayError } from '../errors.js'
import { estimateInput } from '../policies/admission/estimate.js'
import type { GeneratedImage, ImageRequest } from '../protocols/image-generation.js'
import { writeImages } from '../protocols/openai-media/write-images.js'
import type { Services } from '../services.js'
import type { Channel, Target } from '../targets.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { fetchMedia } from '../upstream/media/fetch-media.js'
import { fetchRemote, type RemoteLimits } from '../upstream/media/fetch-remote.js'
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
import { createMediaTranscoder } from '../upstream/transcode/media-transcoder.js'
import { completeFanOut, fanOut } from './fan-out.js'
import type { SendCall } from './relay-call.js'

/** Estimate for an image where the upstream reports no usage: what Google counts for a million pixels. */
const TOKENS_PER_IMAGE = 1290
const STREAM_TYPE = 'text/event-stream; charset=utf-8'

/**
 * Sends a request for images. A target of another protocol gets a translation, in several requests if one generates
 * too few images. All images of an answer come from one target.
 */
export function sendTranslatedImages(services: Services, request: ImageRequest): SendCall {
  const { failover, attempts, config } = services
  const isStrict = config.translation === 'strict'
  const needsFetch = config.media.fetch && request.images.some(({ isRemote }) => isRemote)
  let fetched: Promise<ImageRequest> | undefined
  let last: { readonly target: Target; readonly requests: readonly ImageSubRequest[] } | undefined
  return (call, plan) =>
    failover.run(call, plan, async (attempted, channel) => {
      const { target } = channel
      const imageModel = target.speaks.includes(attempted.protocol) ? undefined : imageModelOf(target)
      if (!imageModel) return attempts.send(attempted, channel, createMediaTranscoder(attempted.endpoint, false))
      // Fetch images only here, because a target of the same protocol fetches them itself.
      fetched ??= needsFetch ? fetchImages(request, config.media) : Promise.resolve(request)
      const complete = await fetched
      if (last?.target !== target)
        last = { target, requests: splitImages(complete, imageModel, target.model, isStrict) }
      const missing = await fanOut(attempts, attempted, channel, last.requests, {
        createTranscoder: createImageTranscoder,
        isTolerated: isFilteredOut,
      })
      return combineImages(attempted, channel, complete, last.requests, missing)
    })
}

/** The same request with the bytes of its images in place of their URLs. @throws {RelayError} 400 that names the path */
async function fetchImages(request: ImageRequest, limits: RemoteLimits): Promise<ImageRequest> {
  const blocks = request.images.map((image) => image.block())
  const conversation = { stream: false, turns: [{ role: 'user' as const, blocks }], tools: [], stop: [] }
  const options = { kinds: new Set<MediaBlock['kind']>(['image']), limits, fetch: fetchRemote }
  const { turns } = await fetchMedia(conversation, options)
  const fetched = turns.flatMap((turn) => turn.blocks.filter((block) => block.type === 'media'))
  return { ...request, images: fetched.map((block) => ({ isRemote: false, block: () => block })) }
}

/** Splits a request by the number of images that the model generates at once. Sub-requests for equal numbers share a body. */
function splitImages(request: ImageRequest, imageModel: ImageModel, model: string, strict: boolean): ImageSubRequest[] {
  const jobs = new Map<number, ImageJob>()
  const requests: ImageSubRequest[] = []
  const limit = imageModel.imageGeneration.maxImages
  for (let remaining = request.count; remaining > 0; remaining -= limit) {
    const count = Math.min(remaining, limit)
    const job = jobs.get(count) ?? createImageJob(request, imageModel, model, count, strict)
    jobs.set(count, job)
    requests.push({ imageModel, job, answer: undefined, size: 0 })
  }
  return requests
}

/** All images as one answer. `missing`: why some images are missing. @throws {RelayError} if there are no images */
function combineImages(
  call: Call,
  channel: Channel,
  request: ImageRequest,
  requests: readonly ImageSubRequest[],
  missing: RelayError | undefined,
): Reply {
  const answers = requests.flatMap(({ answer }) => answer ?? [])
  const images = answers.flatMap((answer) => answer.images)
  if (missing && images.length === 0) throw missing
  const usage = sumOf(answers.map((answer) => answer.usage))
  return completeFanOut(call, channel, {
    text: writeImages({ images, usage }, request, Math.floor(Date.now() / 1000)),
    ...(reportsOutput(usage) ? { usage } : estimateUsage(call, images.length)),
    refused: images.length < request.count,
    losses: [...(requests[0]?.job.losses ?? []), ...missingImages(images, request)],
    contentType: request.stream ? STREAM_TYPE : '',
  })
}

function missingImages(images: readonly GeneratedImage[], { count }: ImageRequest): readonly Loss[] {
  if (images.length >= count) return []
  return [{ path: 'n', reason: `${images.length} of ${count} images; the provider filtered out the others` }]
}

function estimateUsage({ body }: Call, count: number): Pick<CallEnd, 'usage' | 'deliveredTokens'> {
  const output = count * TOKENS_PER_IMAGE
  return { usage: { ...NO_USAGE, input: estimateInput(body), output, imageOutput: output }, deliveredTokens: output }
}
