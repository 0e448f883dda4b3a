import type { RequestFacts, Target } from '../call.js'
import type { Operation } from '../endpoints.js'
import { RelayError } from '../errors.js'
import type { RelayResponse } from '../http.js'
import type { ByteChunks } from '../lib/byte-chunks.js'
import { filterTargets } from '../policies/routing/router.js'
import { readFacts } from '../protocols/openai-media/facts.js'
import { replyResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import { createMediaTranscoder } from '../upstream/transcode/media-transcoder.js'
import { type RoutedCall, relayCall, routeCall, type SendCall } from './relay-call.js'
import type { OperationHandler, RequestContext } from './request-context.js'

/** The model that is meant where none is named, as OpenAI has it. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ['images/generations', 'gpt-image-1'],
  ['images/edits', 'gpt-image-1'],
  ['images/variations', 'dall-e-2'],
  ['moderations', 'omni-moderation-latest'],
])

/** Operations whose answer is neither JSON nor text. */
const RAW: ReadonlySet<Operation> = new Set<Operation>(['speech'])

/** Images, sound, moderations, ranks: passed on to those targets that speak the language, with the model's name as they have it. */
export const media: OperationHandler = (parts, visit) => relayMedia(parts, visit, passedOn)

/** How a call is sent on. */
export interface Course {
  /** Which targets can be asked. */
  readonly suits: (target: Target) => boolean
  /** Left out: as one request, as it is. */
  readonly send?: SendCall
}

/** What is sent on untranslated. */
export function passedOn({ call: { protocol } }: RoutedCall): Course {
  return { suits: ({ speaks }) => speaks.includes(protocol) }
}

/** The same for every kind: `course` says what becomes of a call. @throws {RelayError} */
export async function relayMedia(
  parts: Services,
  visit: RequestContext,
  course: (routed: RoutedCall) => Course,
): Promise<RelayResponse> {
  const { endpoint, request, id, attempts } = visit
  const { path, operation } = endpoint
  const release = parts.uploadMemory.admit(request)
  let isCalled = false
  try {
    const read = (body: ByteChunks): RequestFacts => readFacts(body, USUAL.get(path))
    const routed = await routeCall(parts, visit, {
      open: createMediaTranscoder(path, RAW.has(operation)),
      readFacts: read,
      // Where more of a form is read than its model, it is wanted in one piece.
      readForm: course === passedOn ? read : undefined,
    })
    const { call, plan } = routed
    const { suits, send } = course(routed)
    const suited = filterTargets(plan, suits)
    if (suited.targets.length === 0) {
      const message = `The model \`${call.facts.model}\` cannot be asked for this.`
      throw new RelayError('invalid_request', message, { param: 'model' })
    }
    // The body is held until its call is settled, which is long after this where the answer streams.
    call.onEnd = release
    isCalled = true
    return replyResponse(await relayCall(parts, { call, plan: suited }, send), id, attempts)
  } finally {
    if (!isCalled) release()
  }
}
