import type { Call } from '../call.js'
import { RelayError } from '../errors.js'
import type { RelayResponse } from '../http.js'
import { type ByteChunks, joinChunks } from '../lib/byte-chunks.js'
import { errorCodeOf } from '../lib/error-code.js'
import { isMultipart } from '../lib/multipart.js'
import type { Plugin } from '../plugins.js'
import type { SendToChannel } from '../policies/failover/failover.js'
import { allTargets, type RoutePlan, route } from '../policies/routing/router.js'
import type { Protocol } from '../protocols/protocol.js'
import type { RequestFacts } from '../protocols/request-facts.js'
import { readBody } from '../requests/read-body.js'
import { replyResponse } from '../requests/responses.js'
import type { Services } from '../services.js'
import type { Reply } from '../upstream/attempt/reply.js'
import { selectHeaders } from '../upstream/connection/headers.js'
import type { CreateTranscoder } from '../upstream/transcode/transcoder.js'
import type { RequestContext } from './request-context.js'

/** A call and the plan of its targets. */
export interface RoutedCall {
  readonly call: Call
  readonly plan: RoutePlan
}

/** How an operation reads the facts of a request that routing needs. */
export interface RequestReaders {
  readonly readFacts: Protocol['readFacts']
  /** Reads the facts of a multipart body, which stays in chunks. Left out: the chunks of a form are joined first. */
  readonly readForm?: ((form: ByteChunks) => RequestFacts) | undefined
}

/** Reads the body as far as routing needs it, and plans the targets. @throws {RelayError} 400, 404, 413, 415 */
export async function routeCall(
  services: Services,
  context: RequestContext,
  { readFacts, readForm }: RequestReaders,
): Promise<RoutedCall> {
  const { request, protocol, path, caller, endpoint } = context
  const received = await readBody(request, services.config.maxBodyBytes, readForm !== undefined)
  const form = readForm && isMultipart(received) ? received : undefined
  const bytes = form ? NO_BODY : joinChunks(received)
  const body =
    protocol.responseStorage?.expandReferences(bytes, (id) => services.storedResponses?.find(caller.id, id)) ?? bytes
  const facts =
    form && readForm
      ? readForm(form)
      : services.cache.readFacts(`${endpoint.path} ${protocol.id}`, { body, path, readFacts })
  const plan = route(services.router, facts.model, services.authenticator.mayUse(caller, facts.model))
  const idempotencyKey = nonEmpty(request.headers['idempotency-key'])
  return { call: createCall(services, context, { facts, body, form, idempotencyKey }), plan }
}

/** What a call contains besides its request context. */
export interface CallContent {
  readonly facts: RequestFacts
  readonly body: Buffer
  readonly form?: ByteChunks | undefined
  readonly idempotencyKey: string | undefined
}

/** The content of a call whose request the relay does not read: forwarded paths and WebSocket sessions. */
export function unreadContent(model: string, body: Buffer = NO_BODY): CallContent {
  const unknown = { modelSpan: undefined, maxOutputTokens: undefined, temperature: undefined }
  const facts = { model, stream: false, choices: 1, usesTools: false, ...unknown }
  return { facts, body, idempotencyKey: undefined }
}

const NO_BODY = Buffer.alloc(0)

/** Creates a call, not yet admitted. */
export function createCall(
  { activeCalls, accounting }: Services,
  context: RequestContext,
  { facts, body, form, idempotencyKey }: CallContent,
): Call {
  const { id, startedAt, endpoint, path, protocol, caller, attempts, responseHeaders, request } = context
  const { headers, client } = request
  let isSettled = false
  const call: Call = {
    id,
    startedAt,
    operation: endpoint.operation,
    endpoint: endpoint.path,
    protocol,
    caller,
    path,
    facts,
    body,
    form,
    conversation: undefined,
    forwardedHeaders: selectHeaders(headers, protocol.forwardedHeaders),
    client,
    affinity: String(headers['x-session-id'] ?? headers['x-session-affinity'] ?? caller.id),
    attempts,
    tags: readTags(headers['x-modelmount-tags']),
    cacheControl: headers['cache-control'],
    idempotencyKey,
    responseHeaders,
    cacheState: undefined,
    lease: undefined,
    charge: undefined,
    needsUsage: false,
    onEnd: undefined,
    settle(end) {
      if (isSettled) return
      isSettled = true
      activeCalls.end()
      accounting.settle(call, end)
      call.onEnd?.(end)
    },
  }
  return call
}

/** Answers an admitted call: by failover over its plan, or without an upstream. */
export type SendCall = (call: Call, plan: RoutePlan) => Promise<Reply>

/** Sends a call by failover over its plan, with a transcoder of this kind for each attempt. */
export function sendWith({ failover, attempts }: Services, createTranscoder: CreateTranscoder): SendCall {
  const send: SendToChannel = (call, channel) => attempts.send(call, channel, createTranscoder)
  return (call, plan) => failover.run(call, plan, send)
}

/** Admits a call and answers it, from the cache or by `send`. An answer with a body still to come settles the call when the body ends. @throws {RelayError} */
export async function relayCall(services: Services, { call, plan }: RoutedCall, send: SendCall): Promise<Reply> {
  const { activeCalls, prices, admission, plugins, hasAdmissionPlugins, cache, alwaysNeedsUsage } = services
  const { client } = call
  activeCalls.begin()
  try {
    const pricesLoading = prices.ready(allTargets(plan))
    if (pricesLoading) await pricesLoading
    const lease = admission.admit(call, plan)
    call.lease = lease instanceof Promise ? await lease : lease
    call.needsUsage = call.lease.isCounted || alwaysNeedsUsage
    if (hasAdmissionPlugins) await runAdmissionPlugins(plugins, call)
    const reply = await cache.answer(call, plan, {
      produce: (leader) => send(leader, plan),
      failed: (leader, error) => failCall(services, leader, error),
    })
    if (call.charge?.costNanos !== undefined) addCostHeader(call.responseHeaders, call.charge.costNanos)
    return reply
  } catch (error) {
    // Where the cache has replaced the client by a single flight, the flight settles the call.
    if (call.client === client) failCall(services, call, error)
    throw error
  }
}

/** Like {@link relayCall}, but returns the HTTP response. @throws {RelayError} */
export async function relayedResponse(
  services: Services,
  { id, attempts }: RequestContext,
  routed: RoutedCall,
  send: SendCall,
): Promise<RelayResponse> {
  return replyResponse(await relayCall(services, routed, send), id, attempts)
}

/** Admits a forwarded request or a session. The operation answers and settles it. @throws {RelayError} after settling the call */
export async function admitCall(services: Services, call: Call, plan: RoutePlan): Promise<void> {
  const { activeCalls, prices, admission, plugins, alwaysNeedsUsage } = services
  activeCalls.begin()
  try {
    await prices.ready(allTargets(plan))
    call.lease = await admission.admit(call, plan)
    call.needsUsage = call.lease.isCounted || alwaysNeedsUsage
    await runAdmissionPlugins(plugins, call)
  } catch (error) {
    failCall(services, call, error)
    throw error
  }
}

/** @throws {RelayError} where a plugin refuses the call */
async function runAdmissionPlugins(
  plugins: readonly Plugin[],
  { id: requestId, caller, operation, facts }: Call,
): Promise<void> {
  const { model, stream } = facts
  for (const plugin of plugins) await plugin.admitted?.({ requestId, caller, operation, model, stream })
}

/** Settles and logs a call that failed before its answer began. */
export function failCall({ logger }: Services, call: Call, error: unknown): void {
  // The call is already settled.
  if (call.charge) return
  delete call.responseHeaders['x-modelmount-cache']
  const relayError = error instanceof RelayError ? error : undefined
  const outcome = relayError?.kind === 'client_left' ? 'left' : 'failed'
  call.settle({ outcome, status: relayError?.status ?? 500, error: relayError })
  if (relayError?.failureScope) logger.warn(failureDetails(call, relayError), 'a call failed')
  if (relayError?.kind === 'internal') logger.error(failureDetails(call, relayError), 'a call failed unexpectedly')
}

/** What a log needs of a failure, without the stack traces and sockets that errors carry. */
function failureDetails({ id: requestId, attempts }: Call, { message, cause }: RelayError): object {
  const code = errorCodeOf(cause)
  const reason = cause instanceof Error ? `${code && `${code}: `}${cause.message}` : cause
  return { requestId, attempts, error: message, cause: reason }
}

const COST_HEADER = 'x-modelmount-cost'

/** In USD, exact to the nano-dollar. Several calls of one request add up. */
function addCostHeader(headers: Record<string, string>, nanos: number): void {
  if (nanos === 0) {
    headers[COST_HEADER] ??= '0'
    return
  }
  const previous = headers[COST_HEADER]
  headers[COST_HEADER] = formatUsd(previous === undefined ? nanos : nanos + Math.round(Number(previous) * 1e9))
}

/** Nano-dollars as USD, without trailing zeros. */
function formatUsd(nanos: number): string {
  const usd = nanos / 1e9
  // JavaScript writes smaller numbers with an exponent. Up to 2^53 nano-dollars, the shortest digits are exact.
  return usd >= 1e-6 ? String(usd) : usd.toFixed(9).replace(/0+$/, '')
}

const MAX_TAGS = 16
const MAX_TAG_LENGTH = 64
const NO_TAGS: readonly string[] = []

/** Reads comma-separated tags. Drops tags beyond the sixteenth, and cuts long ones: tags are for grouping. */
function readTags(header: string | string[] | undefined): readonly string[] {
  if (header === undefined) return NO_TAGS
  const tags = String(header).split(',', MAX_TAGS)
  return tags.map((tag) => tag.trim().slice(0, MAX_TAG_LENGTH)).filter((tag) => tag !== '')
}

function nonEmpty(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined
}
