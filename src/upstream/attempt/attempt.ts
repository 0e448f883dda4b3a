import type { Call } from '../../call.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import { RelayError } from '../../errors.js'
import { type ByteChunks, joinChunks } from '../../lib/byte-chunks.js'
import type { DisconnectListener } from '../../lib/client-connection.js'
import { type DeadlineTimer, now } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Target } from '../../targets.js'
import { requestPath } from '../connection/base-url.js'
import type { ResponseHead } from '../connection/headers.js'
import type { Pacing } from '../connection/pacing.js'
import { type ConnectionEvents, type ConnectionPools, UpstreamConnection } from '../connection/upstream-connection.js'
import { BufferedBody, MAX_ANSWER_BYTES } from '../stream/buffered-body.js'
import { CommitBuffer } from '../stream/commit-buffer.js'
import { RawBody } from '../stream/raw-stream.js'
import { asksForStream } from '../transcode/target-protocol.js'
import type { CreateTranscoder, Transcoder } from '../transcode/transcoder.js'
import type { TranslationOptions } from '../transcode/translation.js'
import type { AttemptEnd, AttemptEvents, BodyConsumer, ClientStream, StreamPrelude } from './attempt-events.js'
import { AttemptTimeouts, type TimeoutListener } from './attempt-timeouts.js'
import {
  type ErrorContext,
  internalError,
  readErrorResponse,
  toConnectionError,
  toRedactedRelayError,
} from './failures.js'
import { redactRecords } from './redact.js'
import type { Reply } from './reply.js'

/** What attempts need besides the call and the channel. */
export interface AttemptOptions extends TranslationOptions {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  /** After a client has disconnected, read the upstream's answer to its end for the usage. */
  readonly drain: boolean
}

/** Sends attempts. To a paced upstream, an attempt waits for its turn first. */
export class AttemptSender {
  readonly #options: AttemptOptions
  readonly #pacing: Pacing

  constructor(options: AttemptOptions, pacing: Pacing) {
    this.#options = options
    this.#pacing = pacing
  }

  /** Sends the call to one channel. Resolves at the commit point; when it rejects, another channel may be tried. @throws {RelayError} */
  send(call: Call, channel: Channel, createTranscoder: CreateTranscoder): Promise<Reply> {
    const { pace } = channel.target.upstream
    if (!pace) return attemptCall(call, channel, createTranscoder, this.#options, releaseNothing)
    return this.#pacing
      .enter(channel, pace, call.client)
      .then((release) => attemptCall(call, channel, createTranscoder, this.#options, release))
  }
}

function releaseNothing(): void {}

/** Makes one attempt. Calls `release` once, when the upstream has finished, to free the pacing slot. @throws {RelayError} */
export function attemptCall(
  call: Call,
  channel: Channel,
  createTranscoder: CreateTranscoder,
  options: AttemptOptions,
  release: () => void,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    try {
      const transcoder = createTranscoder(call, channel, options)
      new Attempt(call, channel, transcoder, options, { resolve, reject, release }).start()
    } catch (error) {
      release()
      reject(error instanceof RelayError ? error : internalError(error))
    }
  })
}

interface AttemptCallbacks {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: RelayError) => void
  readonly release: () => void
}

/** Larger error bodies are not read. */
const MAX_ERROR_BYTES = 64 * 1024

/**
 * One request to one channel, from sending it to the last byte of the answer. It picks a consumer for the body by the
 * response head, commits when the answer begins, and settles the call when the answer ends.
 */
class Attempt implements ConnectionEvents, AttemptEvents, TimeoutListener, DisconnectListener {
  readonly deadlineTimer: DeadlineTimer
  readonly protocol: Protocol
  readonly #call: Call
  readonly #channel: Channel
  readonly #transcoder: Transcoder
  readonly #options: AttemptOptions
  readonly #callbacks: AttemptCallbacks
  readonly #timeouts: AttemptTimeouts
  readonly #connection: UpstreamConnection
  readonly #startedAt: number = now()
  /** Set at the commit point of a stream. */
  #stream: ClientStream | undefined
  #head: ResponseHead | undefined
  #status = 0
  #firstOutputMs = 0
  #isEnded = false

  constructor(
    call: Call,
    channel: Channel,
    transcoder: Transcoder,
    options: AttemptOptions,
    callbacks: AttemptCallbacks,
  ) {
    const { deadlineTimer } = options
    this.deadlineTimer = deadlineTimer
    this.protocol = transcoder.protocol
    this.#call = call
    this.#channel = channel
    this.#transcoder = transcoder
    this.#options = options
    this.#callbacks = callbacks
    this.#timeouts = new AttemptTimeouts(deadlineTimer, channel.target.upstream.timeouts, this)
    this.#connection = new UpstreamConnection(this, deadlineTimer, channel.target.requestFormat?.streamFormat)
  }

  start(): void {
    const { baseUrl, target } = this.#channel
    const { id, timeouts } = target.upstream
    const { facts, client } = this.#call
    // Before anything is counted: a model name that does not fit into a URL path throws here.
    const { path, headers, body } = formatRequest(this.#channel, this.#transcoder, asksForStream(this.#call, target))
    target.busy++
    client.listener = this
    if (client.isClosed) return this.onDisconnect()
    this.#timeouts.start(facts.stream)
    const request = { provider: id, baseUrl, path, headers, body, connectMs: timeouts.connectMs }
    try {
      this.#options.connections.send(request, this.#connection)
    } catch (error) {
      this.onFailure(toConnectionError(error))
    }
  }

  onHead(status: number, head: ResponseHead): BodyConsumer {
    this.#status = status
    this.#head = head
    this.#timeouts.renew()
    if (status < 200 || status > 299 || status === 204 || status === 205)
      return new BufferedBody(MAX_ERROR_BYTES, (body, error) => this.#onErrorBody(body, error))
    const kind = this.#transcoder.kindOf?.(head.contentType) ?? (this.#call.facts.stream ? 'stream' : 'whole')
    if (kind === 'stream') return new CommitBuffer(this)
    if (kind === 'raw') return new RawBody(this)
    return new BufferedBody(MAX_ANSWER_BYTES, (body, error) => this.#onWholeBody(body, error))
  }

  onBytes(canTakeMore: boolean): void {
    if (canTakeMore) this.#timeouts.renew()
    else this.#timeouts.pause()
  }

  onComplete(): void {
    this.#timeouts.onBodyComplete()
  }

  onFailure(error: RelayError): void {
    if (this.#connection.consumer) this.#connection.consumer.fail(error)
    else this.reject(error)
  }

  onTimeout(): void {
    this.onFailure(new RelayError('upstream_timeout', 'The provider timed out.'))
  }

  onDisconnect(): void {
    if (!this.#stream) return this.onFailure(new RelayError('client_left', 'The client disconnected.'))
    if (this.#options.drain) this.#stream.drain()
    else this.#stream.abandon()
  }

  commit(prelude: StreamPrelude): ClientStream {
    const stream = this.#transcoder.createStream(this, prelude)
    this.#stream = stream
    this.#connection.redirect(stream)
    this.#resolveAtCommitPoint(stream)
    return stream
  }

  commitBuffered(body: Buffer): void {
    const stream = this.#transcoder.createTranslatedStream(this)
    this.#stream = stream
    this.#connection.redirect(stream)
    this.#resolveAtCommitPoint(stream, '')
    stream.writeWholeAnswer(body)
  }

  reject(error: RelayError): void {
    if (this.#isEnded) return
    this.#release()
    this.#connection.abort()
    this.#callbacks.reject(error)
  }

  rejectWith(upstreamError: UpstreamError): void {
    this.reject(this.toRelayError(upstreamError))
  }

  toRelayError(upstreamError: UpstreamError): RelayError {
    return toRedactedRelayError(upstreamError, this.#channel.credential, this.#errorContext)
  }

  redact(records: Buffer): Buffer {
    return redactRecords(records, this.#channel.credential)
  }

  resume(): void {
    this.#timeouts.renew()
    this.#connection.resume()
  }

  onAnswerComplete(end: AttemptEnd): void {
    if (this.#isEnded) return
    this.#settle(end)
    this.#connection.awaitEnd()
  }

  onEnd(end: AttemptEnd): void {
    if (this.#isEnded) return
    this.#settle(end)
    this.#connection.abort()
  }

  /** Fails with the error that the body describes; without a body, by the status alone. */
  #onErrorBody(body: Buffer | undefined, error: RelayError | undefined): void {
    if (error?.kind === 'client_left') return this.reject(error)
    this.reject(readErrorResponse(body, this.protocol, this.#channel.credential, this.#errorContext))
  }

  get #errorContext(): ErrorContext {
    const isTranslated = this.protocol.id !== this.#call.protocol.id
    return { upstreamStatus: this.#status, retryAfterMs: this.#head?.retryAfterMs, isTranslated }
  }

  #onWholeBody(body: Buffer | undefined, error: RelayError | undefined): void {
    if (this.#isEnded) return
    if (!body) return this.reject(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    const { bytes, usage, upstreamError, refused, estimate } = this.#transcoder.deliver(body)
    if (upstreamError) return this.rejectWith(upstreamError)
    this.#resolveAtCommitPoint(bytes, bytes === body ? undefined : '')
    this.#settle({ outcome: 'complete', usage, refused, estimate })
  }

  /** Resolves the attempt at its commit point. `contentType`: the upstream's, or empty for a translated answer. */
  #resolveAtCommitPoint(body: Buffer | ClientStream, contentType: string = this.#head?.contentType ?? ''): void {
    this.#timeouts.onFirstOutput()
    const { target } = this.#channel
    const time = now()
    this.#firstOutputMs = time - this.#call.startedAt
    recordLatency(target, time - this.#startedAt)
    this.#call.attempts.push({ target: target.name, status: this.#status })
    this.#callbacks.resolve({
      status: this.#status,
      target: target.name,
      contentType: this.#transcoder.contentType(contentType),
      body,
      losses: this.#transcoder.losses,
    })
  }

  #settle({ outcome, usage, refused, error, estimate }: AttemptEnd): void {
    this.#release()
    this.#call.settle({
      outcome,
      status: this.#status,
      target: this.#channel.target,
      usage,
      refused,
      losses: this.#transcoder.losses,
      firstOutputMs: this.#firstOutputMs,
      error,
      deliveredTokens: estimate,
    })
  }

  #release(): void {
    this.#isEnded = true
    this.#connection.close()
    this.#timeouts.stop()
    this.#call.client.listener = undefined
    this.#channel.target.busy--
    this.#callbacks.release()
  }
}

/** The path, headers and body of a request, as its target wants them. @throws {RelayError} for a model name that does not fit into a URL path */
function formatRequest(
  { target, baseUrl }: Channel,
  { protocol, path, headers, body }: Transcoder,
  stream: boolean,
): { readonly path: string; readonly headers: readonly string[]; readonly body: ByteChunks } {
  const { requestFormat, model } = target
  if (!requestFormat) return { path: requestPath(baseUrl, protocol, path), headers, body }
  return requestFormat.format({ path, headers, body: joinChunks(body) }, { prefix: baseUrl.pathPrefix, model, stream })
}

/** Weight of the latest answer in a target's moving average. */
const LATENCY_SMOOTHING = 0.2

function recordLatency(target: Target, ms: number): void {
  target.firstOutputMs += (target.firstOutputMs === 0 ? 1 : LATENCY_SMOOTHING) * (ms - target.firstOutputMs)
}
