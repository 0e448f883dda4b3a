import type { Call } from '../../call.js'
import type { UpstreamError } from '../../chat/upstream-error.js'
import { RelayError } from '../../errors.js'
import type { DisconnectListener } from '../../lib/client-connection.js'
import { type DeadlineTimer, now } from '../../lib/time.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel } from '../../targets.js'
import { enclose } from '../connection/format-request.js'
import type { Head } from '../connection/headers.js'
import { type ConnectionEvents, UpstreamConnection } from '../connection/upstream-connection.js'
import { CommitBuffer } from '../stream/commit-buffer.js'
import { RawBody } from '../stream/raw-stream.js'
import type { ClientStream } from '../stream/stream-output.js'
import type { CreateTranscoder, Transcoder } from '../transcode/transcoder.js'
import { asksForStream } from '../transcode/translation.js'
import {
  type AttemptEnd,
  type AttemptEvents,
  type BodyConsumer,
  BufferedBody,
  MAX_ANSWER_BYTES,
  type StreamPrelude,
} from './attempt-events.js'
import { AttemptTimeouts, type TimeoutListener } from './attempt-timeouts.js'
import { broken, type Circumstances, failureOf, readFailure, toConnectionError } from './failures.js'
import { recordLatency } from './latency.js'
import { redactRecords } from './redact.js'
import type { Reply, Tools } from './reply.js'

/** An error's body beyond this is no explanation. */
const LONGEST_FAULT = 64 * 1024

/**
 * One attempt: sends the call to one channel, and gives the answer once it is past its commit point. Until then every
 * failure rejects, and another channel may be tried. `release` is called once, when the upstream's connection is free.
 * @throws {RelayError}
 */
export function attemptCall(
  call: Call,
  channel: Channel,
  createTranscoder: CreateTranscoder,
  tools: Tools,
  release: () => void,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    try {
      const passage = createTranscoder(call, channel, tools)
      new Attempt({ call, channel, tools, passage }, { resolve, reject, release }).start()
    } catch (error) {
      release()
      reject(error instanceof RelayError ? error : broken(error))
    }
  })
}

interface Given {
  readonly call: Call
  readonly channel: Channel
  readonly tools: Tools
  readonly passage: Transcoder
}

interface Ends {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: RelayError) => void
  readonly release: () => void
}

class Attempt implements ConnectionEvents, AttemptEvents, TimeoutListener, DisconnectListener {
  readonly deadlineTimer: DeadlineTimer
  readonly protocol: Protocol
  readonly #call: Call
  readonly #channel: Channel
  readonly #tools: Tools
  readonly #passage: Transcoder
  readonly #ends: Ends
  readonly #patience: AttemptTimeouts
  readonly #startedAt: number = now()
  readonly #wire: UpstreamConnection
  #flow: ClientStream | undefined
  #head: Head | undefined
  #status = 0
  #firstOutputMs = 0
  #over = false

  constructor({ call, channel, tools, passage }: Given, ends: Ends) {
    this.deadlineTimer = tools.deadlineTimer
    this.protocol = passage.protocol
    this.#wire = new UpstreamConnection(this, tools.deadlineTimer, channel.target.requestFormat?.streamFormat)
    this.#passage = passage
    this.#call = call
    this.#channel = channel
    this.#tools = tools
    this.#ends = ends
    this.#patience = new AttemptTimeouts(tools.deadlineTimer, channel.target.upstream.timeouts, this)
  }

  start(): void {
    const { baseUrl, target } = this.#channel
    const { connectMs } = target.upstream.timeouts
    const { facts, client } = this.#call
    // First: a name that cannot stand in a path throws here.
    const { path, headers, body } = enclose(this.#channel, this.#passage, asksForStream(this.#call, target))
    target.busy++
    client.listener = this
    if (client.isClosed) return this.onDisconnect()
    this.#patience.start(facts.stream)
    try {
      this.#tools.connections.send(
        { provider: target.upstream.id, baseUrl, path, headers, body, connectMs },
        this.#wire,
      )
    } catch (error) {
      this.onFailure(toConnectionError(error))
    }
  }

  onHead(status: number, head: Head): BodyConsumer {
    this.#status = status
    this.#head = head
    this.#patience.renew()
    if (status < 200 || status > 299 || status === 204 || status === 205)
      return new BufferedBody(LONGEST_FAULT, (body, error) => this.#explain(body, error))
    const kind = this.#passage.kindOf?.(head.contentType) ?? (this.#call.facts.stream ? 'stream' : 'whole')
    if (kind === 'stream') return new CommitBuffer(this)
    if (kind === 'raw') return new RawBody(this)
    return new BufferedBody(MAX_ANSWER_BYTES, (body, error) => this.#judge(body, error))
  }

  onBytes(more: boolean): void {
    if (more) this.#patience.renew()
    else this.#patience.pause()
  }

  onComplete(): void {
    this.#patience.onBodyComplete()
  }

  onFailure(error: RelayError): void {
    if (this.#wire.consumer) this.#wire.consumer.fail(error)
    else this.reject(error)
  }

  onTimeout(): void {
    this.onFailure(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
  }

  onDisconnect(): void {
    if (!this.#flow) return this.onFailure(new RelayError('client_left', 'The client left.'))
    if (this.#tools.drain) this.#flow.drain()
    else this.#flow.abandon()
  }

  commit(preamble: StreamPrelude): ClientStream {
    const flow = this.#passage.createStream(this, preamble)
    this.#flow = flow
    this.#wire.redirect(flow)
    this.#resolve(flow)
    return flow
  }

  commitBuffered(body: Buffer): void {
    const flow = this.#passage.createTranslatedStream(this)
    this.#flow = flow
    this.#wire.redirect(flow)
    this.#resolve(flow, '')
    flow.writeWholeAnswer(body)
  }

  reject(error: RelayError): void {
    if (this.#over) return
    this.#finish()
    this.#wire.abort()
    this.#ends.reject(error)
  }

  rejectWith(upstreamError: UpstreamError): void {
    this.reject(this.toRelayError(upstreamError))
  }

  toRelayError(upstreamError: UpstreamError): RelayError {
    return failureOf(upstreamError, this.#channel.credential, this.#circumstances)
  }

  redact(records: Buffer): Buffer {
    return redactRecords(records, this.#channel.credential)
  }

  resume(): void {
    this.#patience.renew()
    this.#wire.resume()
  }

  onAnswerComplete(end: AttemptEnd): void {
    if (this.#over) return
    this.#end(end)
    this.#wire.linger()
  }

  onEnd(end: AttemptEnd): void {
    if (this.#over) return
    this.#end(end)
    this.#wire.abort()
  }

  /** An error's status: what its body says of it, if it came whole. */
  #explain(bytes: Buffer | undefined, error: RelayError | undefined): void {
    if (error?.kind === 'client_left') return this.reject(error)
    const around = this.#circumstances
    const { credential } = this.#channel
    this.reject(readFailure(bytes, { protocol: this.protocol, credential, isTheirs: !around.isForeign }, around))
  }

  get #circumstances(): Circumstances {
    const isForeign = this.protocol.id !== this.#call.protocol.id
    return { upstreamStatus: this.#status, retryAfterMs: this.#head?.retryAfterMs, isForeign }
  }

  #judge(body: Buffer | undefined, error: RelayError | undefined): void {
    if (this.#over) return
    if (!body) return this.reject(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    const { bytes, usage, upstreamError, refused, estimate } = this.#passage.deliver(body)
    if (upstreamError) return this.rejectWith(upstreamError)
    this.#resolve(bytes, bytes === body ? undefined : '')
    this.#end({ outcome: 'complete', usage, refused, estimate })
  }

  /** What is told anew is of the usual type, whatever the upstream called its own. */
  #resolve(body: Buffer | ClientStream, upstreams: string = this.#head?.contentType ?? ''): void {
    this.#patience.onFirstOutput()
    const { target } = this.#channel
    const time = now()
    this.#firstOutputMs = time - this.#call.startedAt
    recordLatency(target, time - this.#startedAt)
    this.#call.attempts.push({ target: target.name, status: this.#status })
    const contentType = this.#passage.contentType(upstreams)
    const { losses } = this.#passage
    this.#ends.resolve({ status: this.#status, target: target.name, contentType, body, losses })
  }

  #end({ outcome, usage, refused, error, estimate }: AttemptEnd): void {
    this.#finish()
    const { target } = this.#channel
    this.#call.settle({
      outcome,
      status: this.#status,
      target,
      usage,
      refused,
      losses: this.#passage.losses,
      firstOutputMs: this.#firstOutputMs,
      error,
      get deliveredTokens() {
        return estimate?.()
      },
    })
  }

  #finish(): void {
    this.#over = true
    this.#wire.close()
    this.#patience.stop()
    this.#call.client.listener = undefined
    this.#channel.target.busy--
    this.#ends.release()
  }
}
