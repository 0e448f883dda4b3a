import type { IncomingHttpHeaders } from 'node:http'
import { answerError, fitToTell, shown, withHeaders } from '../answers.js'
import type { Channel } from '../call.js'
import { RelayError } from '../errors.js'
import type { RelayResponse } from '../http.js'
import type { Parts } from '../parts.js'
import { failover, type Send } from '../policies/failover.js'
import { narrowed, type Plan, route } from '../policies/route.js'
import { commonProtocol } from '../protocols/index.js'
import type { Line } from '../sockets.js'
import { readFailure, toConnectionError } from '../upstream/failures.js'
import { keyHeaders, waitOf } from '../upstream/headers.js'
import type { Visit } from './operation.js'
import { callOf, fail, letIn, readNothing } from './relayed.js'
import { Talk } from './talk.js'

/** A handshake with a provider. */
export interface Dialing {
  /** `https://…/v1/realtime?model=…` */
  readonly target: string
  /** In place of the caller's own: the provider's key. */
  readonly headers: Readonly<Record<string, string>>
  /** For the answer to the client's handshake, when it succeeds. */
  readonly told: Readonly<Record<string, string>>
  /** How long the provider may keep silent. In ms. */
  readonly withinMs: number
  /** To be called at the moment when both ends have agreed, before any message. */
  open(): Talk
}

/** A provider's no to a handshake. */
export interface Refusal {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A client that waits for its handshake, as an adapter holds it. */
export interface WaitingLine extends Line {
  /** Tries a handshake. Gives the provider's no, if it is one; rejects where there is neither that nor a yes. */
  dial(to: Dialing): Promise<Refusal | undefined>
}

/** A realtime session is let in by its model, limits and key, and its model's targets are tried until one takes it. Gives what to tell a client that gets none. */
export async function openSession(parts: Parts, visit: Visit, line: WaitingLine): Promise<RelayResponse | undefined> {
  const { id, attempts, told } = visit
  try {
    const query = new URLSearchParams(visit.path.query)
    const model = modelOf(query)
    const plan = planFor(parts, visit, model)
    const call = callOf(parts, visit, readNothing(model))
    await letIn(parts, call, plan)
    try {
      await failover(call, plan, { ...parts.means, send: dialing({ parts, visit, plan, query, line }) })
    } catch (error) {
      fail(parts, call, error)
      throw error
    }
    return undefined
  } catch (error) {
    return withHeaders(answerError(fitToTell(error, parts.logger, id), commonProtocol, id, attempts), told)
  }
}

/** A session that only writes down what it hears names its model later. */
const USUAL_TRANSCRIBER = 'gpt-4o-transcribe'

function modelOf(query: URLSearchParams): string {
  const model = query.get('model') || (query.get('intent') === 'transcription' ? USUAL_TRANSCRIBER : undefined)
  if (model) return model
  throw new RelayError('missing_parameter', 'You must provide a model: `/v1/realtime?model=…`.', { param: 'model' })
}

/** Only targets that speak OpenAI's language have sessions, and only where its own paths stand. */
function planFor({ router, gate }: Parts, { caller }: Visit, model: string): Plan {
  const plan = route(router, model, gate.mayUse(caller, model))
  const able = narrowed(plan, ({ speaks, envelope }) => speaks.includes(commonProtocol) && !envelope)
  if (able.targets.length > 0) return able
  throw new RelayError('invalid_request', `The model \`${model}\` has no realtime sessions.`, { param: 'model' })
}

interface Waiting {
  readonly parts: Parts
  readonly visit: Visit
  readonly plan: Plan
  readonly query: URLSearchParams
  readonly line: WaitingLine
}

function dialing({ parts, visit, plan, query, line }: Waiting): Send {
  return async (call, channel) => {
    const { target, credential } = channel
    const address = addressOf(channel, query)
    const unsigned = { provider: target.upstream.id, method: 'GET', url: address, headers: credential.headers } as const
    const signed = await parts.means.connections.headersOf({ ...unsigned, body: NOTHING })
    const refusal = await line
      .dial({
        target: address,
        headers: keyHeaders(signed),
        told: { ...call.told, 'x-modelmount-target': shown(target.name) },
        withinMs: target.upstream.timeouts.headersMs,
        open: () => new Talk({ parts, visit, plan, target, model: call.facts.model }, call, line),
      })
      .catch((error: unknown) => {
        throw call.departure.left ? new RelayError('client_left', 'The client left.') : toConnectionError(error)
      })
    if (refusal) throw failureOf(refusal, channel)
    call.attempts.push({ target: target.name, status: 101 })
    return { status: 101, target: target.name, contentType: '', body: NOTHING, losses: [] }
  }
}

const NOTHING = Buffer.alloc(0)

function failureOf({ status, headers, body }: Refusal, { credential }: Channel): RelayError {
  const from = { protocol: commonProtocol, credential, isTheirs: true }
  return readFailure(body, from, { upstreamStatus: status, retryAfterMs: waitOf(headers) })
}

/** Of the client's query only what says what the session is for; the model is called as the provider calls it. */
function addressOf({ place, target }: Channel, query: URLSearchParams): string {
  const words = new URLSearchParams()
  if (query.has('model')) words.set('model', target.model)
  const intent = query.get('intent')
  if (intent) words.set('intent', intent)
  return `${place.origin}${place.prefix}/realtime?${words}`
}
