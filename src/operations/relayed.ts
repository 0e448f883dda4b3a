import { readBody } from '../body.js'
import type { Call, RequestFacts } from '../call.js'
import { RelayError } from '../errors.js'
import { codeOf } from '../lib/codes.js'
import { isMultipart } from '../lib/multipart.js'
import { joined, type Pieces } from '../lib/pieces.js'
import type { Parts } from '../parts.js'
import type { Plugin } from '../plugins.js'
import { failover } from '../policies/failover.js'
import type { Producer } from '../policies/flight.js'
import { type Plan, route, targetsOf } from '../policies/route.js'
import type { Protocol } from '../protocols/protocol.js'
import { passedOn } from '../upstream/headers.js'
import type { OpenPassage } from '../upstream/passage.js'
import type { Reply } from '../upstream/reply.js'
import type { Visit } from './operation.js'

/** A request that has been read and routed. */
export interface Routed {
  readonly call: Call
  readonly plan: Plan
}

/** How an operation is read and sent. */
export interface Way {
  readonly open: OpenPassage
  /** As much of a request as routing needs. */
  readonly readFacts: Protocol['readFacts']
  /** The same of a form that goes on in the pieces that it came in. Left out where there are none. */
  readonly readForm?: ((form: Pieces) => RequestFacts) | undefined
}

/** Reads the body as far as routing needs it, and finds where it goes. @throws {RelayError} 400, 404, 413, 415 */
export async function routeCall(parts: Parts, visit: Visit, { open, readFacts, readForm }: Way): Promise<Routed> {
  const { request, protocol, path, caller } = visit
  const come = await readBody(request, parts.config.maxBodyBytes, readForm !== undefined)
  const form = readForm && isMultipart(come) ? come : undefined
  const given = form ? NOTHING : joined(come)
  const body = protocol.recall?.expand(given, (id) => parts.kept?.find(caller.id, id)) ?? given
  const facts =
    form && readForm
      ? readForm(form)
      : parts.cache.readFacts(`${visit.endpoint.path} ${protocol.id}`, { body, path, readFacts })
  const plan = route(parts.router, facts.model, parts.gate.mayUse(caller, facts.model))
  const idempotencyKey = textIn(request.headers['idempotency-key'])
  return { call: callOf(parts, visit, { facts, body, form, open, idempotencyKey }), plan }
}

/** One of several questions of a request. */
export interface Question {
  readonly index: number
  readonly body: Buffer
}

/** The same call with another body. Its tries are its own, and so is its idempotency key. */
export function routeQuestion(parts: Parts, visit: Visit, { call, plan }: Routed, { index, body }: Question): Routed {
  const facts = visit.protocol.readFacts(body, visit.path)
  const { open, idempotencyKey: key } = call
  // No header can hold a line end, so no other key is this one.
  const idempotencyKey = key && `${key}\n${index}`
  return { call: callOf(parts, { ...visit, attempts: [] }, { facts, body, open, idempotencyKey }), plan }
}

/** What has been read of it. */
export interface Read {
  readonly facts: RequestFacts
  readonly body: Buffer
  readonly form?: Pieces | undefined
  readonly open: OpenPassage
  readonly idempotencyKey: string | undefined
}

/** What is known of a call whose body, if it has one, is not the relay's to send. */
export function readNothing(model: string, body: Buffer = NOTHING): Read {
  const unknown = { modelAt: undefined, maxOutputTokens: undefined, temperature: undefined }
  const facts = { model, stream: false, choices: 1, usesTools: false, ...unknown }
  return { facts, body, open: notSent, idempotencyKey: undefined }
}

const NOTHING = Buffer.alloc(0)

const notSent: OpenPassage = () => {
  throw new TypeError('this call is not sent by the relay')
}

/** A call, before it is admitted. */
export function callOf({ running, account }: Parts, visit: Visit, read: Read): Call {
  const { id, startedAt, endpoint, path, protocol, caller, attempts, told, request } = visit
  const { headers, departure } = request
  let hasEnded = false
  const call: Call = {
    id,
    startedAt,
    operation: endpoint.operation,
    endpoint: endpoint.path,
    protocol,
    caller,
    path,
    facts: read.facts,
    body: read.body,
    form: read.form,
    open: read.open,
    conversation: undefined,
    passedHeaders: passedOn(headers, protocol.passedHeaders),
    departure,
    affinity: String(headers['x-session-id'] ?? headers['x-session-affinity'] ?? caller.id),
    attempts,
    tags: tagsIn(headers['x-modelmount-tags']),
    cacheControl: headers['cache-control'],
    idempotencyKey: read.idempotencyKey,
    told,
    cache: undefined,
    lease: undefined,
    bill: undefined,
    metered: false,
    ended: undefined,
    settle(end) {
      if (hasEnded) return
      hasEnded = true
      running.end()
      account.settle(call, end)
      call.ended?.(end)
    },
  }
  return call
}

/** Has a call answered that nobody has answered yet. */
export type Send = (parts: Parts, call: Call, plan: Plan) => Promise<Reply>

const sendOut: Send = ({ means }, call, plan) => failover(call, plan, means)

/** From admission to the first output. After that the answer settles the call itself, when its body ends. */
export async function relayCall(parts: Parts, { call, plan }: Routed, send: Send = sendOut): Promise<Reply> {
  const { running, prices, admission, plugins, isPlugged, cache, isMetered } = parts
  const { departure } = call
  const producer: Producer = {
    produce: (own) => send(parts, own, plan),
    failed: (own, error) => fail(parts, own, error),
  }
  running.begin()
  try {
    const pending = prices.ready(targetsOf(plan))
    if (pending) await pending
    const lease = admission.admit(call, plan)
    call.lease = lease instanceof Promise ? await lease : lease
    call.metered = call.lease.isCounted || isMetered
    if (isPlugged) await askPlugins(plugins, call)
    const reply = await cache.answer(call, plan, producer)
    if (call.bill?.nanos !== undefined) tellCost(call.told, call.bill.nanos)
    return reply
  } catch (error) {
    // Unless the call goes on without this client, for others: then it is settled with their answer.
    if (call.departure === departure) fail(parts, call, error)
    throw error
  }
}

/** Has a call begin that somebody else will answer and settle. @throws {RelayError} it is settled then */
export async function letIn(parts: Parts, call: Call, plan: Plan): Promise<void> {
  const { running, prices, admission, plugins, isMetered } = parts
  running.begin()
  try {
    await prices.ready(targetsOf(plan))
    call.lease = await admission.admit(call, plan)
    call.metered = call.lease.isCounted || isMetered
    await askPlugins(plugins, call)
  } catch (error) {
    fail(parts, call, error)
    throw error
  }
}

/** The host's own code may refuse it. @throws {RelayError} */
async function askPlugins(
  plugins: readonly Plugin[],
  { id: requestId, caller, operation, facts }: Call,
): Promise<void> {
  const { model, stream } = facts
  for (const plugin of plugins) await plugin.admitted?.({ requestId, caller, operation, model, stream })
}

/** Settles a call that has failed before its answer began. */
export function fail({ logger }: Parts, call: Call, error: unknown): void {
  if (call.bill) return
  delete call.told['x-modelmount-cache']
  const known = error instanceof RelayError ? error : undefined
  const outcome = known?.kind === 'client_left' ? 'left' : 'failed'
  call.settle({ outcome, status: known?.status ?? 500, error: known })
  if (known?.blame) logger.warn(failureOf(call, known), 'a call failed')
  if (known?.kind === 'internal') logger.error(failureOf(call, known), 'a call failed unexpectedly')
}

const COST = 'x-modelmount-cost'

/** In USD, to the nano-dollar. The answers to several questions of one request are told as one sum. */
function tellCost(told: Record<string, string>, nanos: number): void {
  if (nanos === 0) {
    told[COST] ??= '0'
    return
  }
  const before = Math.round(Number(told[COST] ?? 0) * 1e9)
  told[COST] = ((before + nanos) / 1e9).toFixed(9).replace(/\.?0+$/, '')
}

/** What the operator should know of a failure, without the stack and the sockets that come with it. */
function failureOf({ id: requestId, attempts }: Call, { message, cause }: RelayError): object {
  const code = codeOf(cause)
  const reason = cause instanceof Error ? `${code && `${code}: `}${cause.message}` : cause
  return { requestId, attempts, error: message, cause: reason }
}

/** Tags beyond these are dropped: they are for sorting, not for stories. */
const MOST_TAGS = 16
const LONGEST_TAG = 64

/** Separated by commas. */
function tagsIn(header: string | string[] | undefined): readonly string[] {
  if (header === undefined) return NO_TAGS
  const tags = String(header).split(',', MOST_TAGS)
  return tags.map((tag) => tag.trim().slice(0, LONGEST_TAG)).filter((tag) => tag !== '')
}

const NO_TAGS: readonly string[] = []

function textIn(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined
}
