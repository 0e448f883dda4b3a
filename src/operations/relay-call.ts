import type { Call, RequestFacts } from '../call.js'
import { RelayError } from '../errors.js'
import { type ByteChunks, joinChunks } from '../lib/byte-chunks.js'
import { codeOf } from '../lib/codes.js'
import { isMultipart } from '../lib/multipart.js'
import type { Plugin } from '../plugins.js'
import type { AnswerProducer } from '../policies/cache/single-flight.js'
import { failover } from '../policies/failover/failover.js'
import { allTargets, type RoutePlan, route } from '../policies/routing/router.js'
import type { Protocol } from '../protocols/protocol.js'
import { readBody } from '../requests/read-body.js'
import type { Services } from '../services.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { passedOn } from '../upstream/connection/headers.js'
import type { CreateTranscoder } from '../upstream/transcode/transcoder.js'
import type { RequestContext } from './request-context.js'

/** A request that has been read and routed. */
export interface RoutedCall {
  readonly call: Call
  readonly plan: RoutePlan
}

/** How an operation is read and sent. */
export interface Way {
  readonly open: CreateTranscoder
  /** As much of a request as routing needs. */
  readonly readFacts: Protocol['readFacts']
  /** The same of a form that goes on in the pieces that it came in. Left out where there are none. */
  readonly readForm?: ((form: ByteChunks) => RequestFacts) | undefined
}

/** Reads the body as far as routing needs it, and finds where it goes. @throws {RelayError} 400, 404, 413, 415 */
export async function routeCall(
  parts: Services,
  visit: RequestContext,
  { open, readFacts, readForm }: Way,
): Promise<RoutedCall> {
  const { request, protocol, path, caller } = visit
  const come = await readBody(request, parts.config.maxBodyBytes, readForm !== undefined)
  const form = readForm && isMultipart(come) ? come : undefined
  const given = form ? NOTHING : joinChunks(come)
  const body = protocol.responseStorage?.expand(given, (id) => parts.storedResponses?.find(caller.id, id)) ?? given
  const facts =
    form && readForm
      ? readForm(form)
      : parts.cache.readFacts(`${visit.endpoint.path} ${protocol.id}`, { body, path, readFacts })
  const plan = route(parts.router, facts.model, parts.authenticator.mayUse(caller, facts.model))
  const idempotencyKey = textIn(request.headers['idempotency-key'])
  return { call: createCall(parts, visit, { facts, body, form, open, idempotencyKey }), plan }
}

/** One of several questions of a request. */
export interface Prompt {
  readonly index: number
  readonly body: Buffer
}

/** The same call with another body. Its tries are its own, and so is its idempotency key. */
export function routePrompt(
  parts: Services,
  visit: RequestContext,
  { call, plan }: RoutedCall,
  { index, body }: Prompt,
): RoutedCall {
  const facts = visit.protocol.readFacts(body, visit.path)
  const { open, idempotencyKey: key } = call
  // No header can hold a line end, so no other key is this one.
  const idempotencyKey = key && `${key}\n${index}`
  return { call: createCall(parts, { ...visit, attempts: [] }, { facts, body, open, idempotencyKey }), plan }
}

/** What has been read of it. */
export interface Read {
  readonly facts: RequestFacts
  readonly body: Buffer
  readonly form?: ByteChunks | undefined
  readonly open: CreateTranscoder
  readonly idempotencyKey: string | undefined
}

/** What is known of a call whose body, if it has one, is not the relay's to send. */
export function unreadRequest(model: string, body: Buffer = NOTHING): Read {
  const unknown = { modelSpan: undefined, maxOutputTokens: undefined, temperature: undefined }
  const facts = { model, stream: false, choices: 1, usesTools: false, ...unknown }
  return { facts, body, open: notSent, idempotencyKey: undefined }
}

const NOTHING = Buffer.alloc(0)

const notSent: CreateTranscoder = () => {
  throw new TypeError('this call is not sent by the relay')
}

/** A call, before it is admitted. */
export function createCall({ activeCalls, accounting }: Services, visit: RequestContext, read: Read): Call {
  const { id, startedAt, endpoint, path, protocol, caller, attempts, responseHeaders, request } = visit
  const { headers, client } = request
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
    forwardedHeaders: passedOn(headers, protocol.forwardedHeaders),
    client,
    affinity: String(headers['x-session-id'] ?? headers['x-session-affinity'] ?? caller.id),
    attempts,
    tags: tagsIn(headers['x-modelmount-tags']),
    cacheControl: headers['cache-control'],
    idempotencyKey: read.idempotencyKey,
    responseHeaders,
    cacheState: undefined,
    lease: undefined,
    charge: undefined,
    needsUsage: false,
    onEnd: undefined,
    settle(end) {
      if (hasEnded) return
      hasEnded = true
      activeCalls.end()
      accounting.settle(call, end)
      call.onEnd?.(end)
    },
  }
  return call
}

/** Has a call answered that nobody has answered yet. */
export type SendCall = (parts: Services, call: Call, plan: RoutePlan) => Promise<Reply>

const sendOut: SendCall = ({ means }, call, plan) => failover(call, plan, means)

/** From admission to the first output. After that the answer settles the call itself, when its body ends. */
export async function relayCall(parts: Services, { call, plan }: RoutedCall, send: SendCall = sendOut): Promise<Reply> {
  const { activeCalls, prices, admission, plugins, hasAdmissionPlugins, cache, alwaysNeedsUsage } = parts
  const { client } = call
  const producer: AnswerProducer = {
    produce: (own) => send(parts, own, plan),
    failed: (own, error) => failCall(parts, own, error),
  }
  activeCalls.begin()
  try {
    const pending = prices.ready(allTargets(plan))
    if (pending) await pending
    const lease = admission.admit(call, plan)
    call.lease = lease instanceof Promise ? await lease : lease
    call.needsUsage = call.lease.isCounted || alwaysNeedsUsage
    if (hasAdmissionPlugins) await askPlugins(plugins, call)
    const reply = await cache.answer(call, plan, producer)
    if (call.charge?.nanos !== undefined) tellCost(call.responseHeaders, call.charge.nanos)
    return reply
  } catch (error) {
    // Unless the call goes on without this client, for others: then it is settled with their answer.
    if (call.client === client) failCall(parts, call, error)
    throw error
  }
}

/** Has a call begin that somebody else will answer and settle. @throws {RelayError} it is settled then */
export async function admitCall(parts: Services, call: Call, plan: RoutePlan): Promise<void> {
  const { activeCalls, prices, admission, plugins, alwaysNeedsUsage } = parts
  activeCalls.begin()
  try {
    await prices.ready(allTargets(plan))
    call.lease = await admission.admit(call, plan)
    call.needsUsage = call.lease.isCounted || alwaysNeedsUsage
    await askPlugins(plugins, call)
  } catch (error) {
    failCall(parts, call, error)
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
export function failCall({ logger }: Services, call: Call, error: unknown): void {
  if (call.charge) return
  delete call.responseHeaders['x-modelmount-cache']
  const known = error instanceof RelayError ? error : undefined
  const outcome = known?.kind === 'client_left' ? 'left' : 'failed'
  call.settle({ outcome, status: known?.status ?? 500, error: known })
  if (known?.failureScope) logger.warn(failureOf(call, known), 'a call failed')
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
