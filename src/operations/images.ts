import type { Target } from '../call.js'
import type { MediaBlock } from '../chat/blocks.js'
import { RelayError } from '../errors.js'
import { failover } from '../policies/failover/failover.js'
import { allTargets } from '../policies/routing/router.js'
import type { ImageRequest } from '../protocols/image-generation.js'
import { readImageRequest } from '../protocols/openai-media/read-images.js'
import { fetchMedia } from '../upstream/media/fetch-media.js'
import { fetchRemote, type RemoteLimits } from '../upstream/media/fetch-remote.js'
import { imageModelOf } from '../upstream/transcode/image-transcoder.js'
import { inShares } from './image-requests.js'
import { type Course, passedOn, relayMedia } from './media.js'
import type { RoutedCall, SendCall } from './relay-call.js'
import type { OperationHandler } from './request-context.js'

/** What is translated, and whether it is of images that are given. Variations nobody but OpenAI draws. */
const DRAWN: ReadonlyMap<string, boolean> = new Map([
  ['images/generations', false],
  ['images/edits', true],
])

/** Images: passed on to those targets that speak the language, and told anew to those that draw in another. */
export const image: OperationHandler = (parts, visit) => relayMedia(parts, visit, courseOf)

function courseOf(routed: RoutedCall): Course {
  const { call, plan } = routed
  const edits = DRAWN.get(call.endpoint)
  const own = passedOn(routed)
  const isForeign = (target: Target): boolean => !own.suits(target) && imageModelOf(target) !== undefined
  if (edits === undefined || !allTargets(plan).some(isForeign)) return own
  const request = attempt(() => readImageRequest(call.body, edits))
  // What goes on as it came is the upstream's to judge: only where nobody is left to do so is the relay's own word told.
  const refusals: RelayError[] = []
  const suits = (target: Target): boolean => {
    if (!isForeign(target)) return own.suits(target)
    const refused =
      request instanceof RelayError ? request : attempt(() => imageModelOf(target)?.imaging.check(request))
    if (refused instanceof RelayError) refusals.push(refused)
    return !(refused instanceof RelayError)
  }
  if (!plan.targets.some(suits) && refusals[0]) throw refusals[0]
  return request instanceof RelayError ? own : { suits, send: sendDrawn(request) }
}

function attempt<Value>(make: () => Value): Value | RelayError {
  try {
    return make()
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
}

function sendDrawn(request: ImageRequest): SendCall {
  return ({ means, config: { media } }, call, plan) => {
    const isFetched = media.fetch && request.images.some(({ isRemote }) => isRemote)
    let ready: Promise<ImageRequest> | undefined
    // Not before it is known that it is needed: who speaks the language fetches for itself.
    const prepare = (): Promise<ImageRequest> => {
      ready ??= isFetched ? bring(request, media) : Promise.resolve(request)
      return ready
    }
    return failover(call, plan, { ...means, send: inShares(prepare) })
  }
}

/** The same with what is named by its address fetched. @throws {RelayError} 400 with its path */
async function bring(request: ImageRequest, limits: RemoteLimits): Promise<ImageRequest> {
  const blocks = request.images.map((one) => one.block())
  const asked = { stream: false, turns: [{ role: 'user' as const, blocks }], tools: [], stop: [] }
  const fetching = { kinds: new Set<MediaBlock['kind']>(['image']), limits, fetch: fetchRemote }
  const { turns } = await fetchMedia(asked, fetching)
  const brought = turns.flatMap((turn) => turn.blocks.filter((block) => block.type === 'media'))
  return { ...request, images: brought.map((block) => ({ isRemote: false, block: () => block })) }
}
