import { RelayError } from '../errors.js'
import { allTargets } from '../policies/routing/router.js'
import type { ImageRequest } from '../protocols/image-generation.js'
import { readImageRequest } from '../protocols/openai-media/read-images.js'
import type { Services } from '../services.js'
import type { Target } from '../targets.js'
import { imageModelOf } from '../upstream/transcode/image-transcoder.js'
import { acceptsUnchanged, type MediaRoute, passThroughRoute, relayMedia } from './media.js'
import type { RoutedCall } from './relay-call.js'
import type { OperationHandler } from './request-context.js'
import { sendTranslatedImages } from './translated-images.js'

/** Endpoints that can be translated, and whether they edit given images. Only OpenAI has variations. */
const TRANSLATABLE_ENDPOINTS: ReadonlyMap<string, { readonly edits: boolean }> = new Map([
  ['images/generations', { edits: false }],
  ['images/edits', { edits: true }],
])

/** Relays a request for images: unchanged to targets of the same protocol, translated to others. */
export const images: OperationHandler = (services, context) => relayMedia(services, context, routeImages)

function routeImages(services: Services, routed: RoutedCall): MediaRoute {
  const { call, plan } = routed
  const unchanged = passThroughRoute(services, routed)
  const translatable = TRANSLATABLE_ENDPOINTS.get(call.endpoint)
  const needsTranslation = (target: Target): boolean =>
    !acceptsUnchanged(call, target) && imageModelOf(target) !== undefined
  if (!translatable || !allTargets(plan).some(needsTranslation)) return unchanged
  const request = tryRead(() => readImageRequest(call.body, translatable.edits))
  const refusals: RelayError[] = []
  const accepts = (target: Target): boolean => {
    if (!needsTranslation(target)) return acceptsUnchanged(call, target)
    const refusal = checkTarget(request, target)
    if (refusal) refusals.push(refusal)
    return !refusal
  }
  // An upstream of the same protocol validates the request itself. The relay refuses only if no target accepts it.
  if (!plan.targets.some(accepts) && refusals[0]) throw refusals[0]
  if (request instanceof RelayError) return unchanged
  return { accepts, send: sendTranslatedImages(services, request) }
}

/** Returns an error if a target of another protocol cannot answer the request. */
function checkTarget(request: ImageRequest | RelayError, target: Target): RelayError | undefined {
  if (request instanceof RelayError) return request
  const checked = tryRead(() => imageModelOf(target)?.imageGeneration.check(request))
  return checked instanceof RelayError ? checked : undefined
}

function tryRead<Value>(read: () => Value): Value | RelayError {
  try {
    return read()
  } catch (error) {
    if (error instanceof RelayError) return error
    throw error
  }
}
