import type { Call } from '../call.js'
import type { Operation } from '../endpoints.js'
import { RelayError } from '../errors.js'
import type { RelayResponse } from '../http.js'
import type { ByteChunks } from '../lib/byte-chunks.js'
import { filterTargets } from '../policies/routing/router.js'
import { readFacts } from '../protocols/openai-media/request-facts.js'
import type { RequestFacts } from '../protocols/request-facts.js'
import type { Services } from '../services.js'
import type { Target } from '../targets.js'
import { createMediaTranscoder } from '../upstream/transcode/media-transcoder.js'
import { type RoutedCall, relayedResponse, routeCall, type SendCall, sendWith } from './relay-call.js'
import type { OperationHandler, RequestContext } from './request-context.js'

/** OpenAI's default models, for requests that name none. */
const DEFAULT_MODELS: ReadonlyMap<string, string> = new Map([
  ['images/generations', 'gpt-image-1'],
  ['images/edits', 'gpt-image-1'],
  ['images/variations', 'dall-e-2'],
  ['moderations', 'omni-moderation-latest'],
])

/** Operations whose answer is neither JSON nor text. */
const BINARY_OPERATIONS: ReadonlySet<Operation> = new Set<Operation>(['speech'])

/** Relays audio, moderations and reranking unchanged, except for the model's name, to targets of the same protocol. */
export const media: OperationHandler = (services, context) => relayMedia(services, context, passThroughRoute)

/** Which targets can answer a call, and how it is sent to them. */
export interface MediaRoute {
  readonly accepts: (target: Target) => boolean
  readonly send: SendCall
}

/** The route of a call that targets get unchanged. */
export function passThroughRoute(services: Services, { call }: RoutedCall): MediaRoute {
  const createTranscoder = createMediaTranscoder(call.endpoint, BINARY_OPERATIONS.has(call.operation))
  return { accepts: (target) => acceptsUnchanged(call, target), send: sendWith(services, createTranscoder) }
}

/** Whether a target speaks the protocol of the call. */
export function acceptsUnchanged({ protocol }: Call, { speaks }: Target): boolean {
  return speaks.includes(protocol)
}

/** Relays a request that may carry files. @throws {RelayError} */
export async function relayMedia(
  services: Services,
  context: RequestContext,
  chooseRoute: (services: Services, routed: RoutedCall) => MediaRoute,
): Promise<RelayResponse> {
  const release = services.uploadMemory.admit(context.request)
  let isHandedOver = false
  try {
    const defaultModel = DEFAULT_MODELS.get(context.endpoint.path)
    const read = (body: ByteChunks): RequestFacts => readFacts(body, defaultModel)
    // Translation needs the whole form in one buffer.
    const readForm = chooseRoute === passThroughRoute ? read : undefined
    const routed = await routeCall(services, context, { readFacts: read, readForm })
    const { call, plan } = routed
    const { accepts, send } = chooseRoute(services, routed)
    const suitable = filterTargets(plan, accepts)
    if (suitable.targets.length === 0) {
      const message = `The model \`${call.facts.model}\` does not support this endpoint.`
      throw new RelayError('invalid_request', message, { param: 'model' })
    }
    // The body stays in memory until the call is settled. For a stream, that is after this function returns.
    call.onEnd = release
    isHandedOver = true
    return await relayedResponse(services, context, { call, plan: suitable }, send)
  } finally {
    if (!isHandedOver) release()
  }
}
