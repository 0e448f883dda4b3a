import type { Call, Channel, End } from '../call.js'
import { RelayError } from '../errors.js'
import type { ByteStream } from '../http.js'
import type { Waiter } from '../lib/departure.js'
import { splice } from '../lib/splice.js'
import { type Alarms, now } from '../lib/time.js'
import type { Fault, Protocol } from '../protocols/protocol.js'
import { Decoder } from './decode.js'
import { toConnectionError, toRelayError } from './failures.js'
import type { Flow } from './flow.js'
import { type Head, readHead } from './headers.js'
import { Hold } from './hold.js'
import { type Answering, type Intake, Whole } from './intake.js'
import { type Impatient, Patience } from './patience.js'
import { redactFault, redactJson, redactRecords } from './redact.js'
import type { Connections, Receiver } from './transport.js'

/** An upstream's answer that has passed the commit point: from here on nothing is tried again. */
export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer | ByteStream
}

/** What an exchange works with. */
export interface Tools {
  readonly connections: Connections
  readonly alarms: Alarms
  /** Go on reading from the upstream when the client has left, so that usage is known. */
  readonly drain: boolean
}

/** An error's body beyond this is no explanation. */
const LONGEST_FAULT = 64 * 1024
/** An answer beyond this is not held in memory for anyone. */
const LONGEST_ANSWER = 256 * 1024 * 1024
/** How much the latest answer moves a target's average. */
const SMOOTHING = 0.2

/**
 * One attempt: sends the call to one channel, and gives the answer once it is past its commit point. Until then every
 * failure rejects, and another channel may be tried. `release` is called once, when the upstream's connection is free.
 * @throws {RelayError}
 */
export function exchange(call: Call, channel: Channel, tools: Tools, release: () => void): Promise<Reply> {
  return new Promise((resolve, reject) => new Exchange(call, channel, tools, { resolve, reject, release }).start())
}

interface Ends {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: RelayError) => void
  readonly release: () => void
}

class Exchange implements Receiver, Answering, Impatient, Waiter {
  readonly protocol: Protocol
  readonly alarms: Alarms
  readonly #call: Call
  readonly #channel: Channel
  readonly #tools: Tools
  readonly #ends: Ends
  readonly #patience: Patience
  readonly #startedAt: number = now()
  #abort: ((reason?: Error) => void) | undefined
  #resume: (() => void) | undefined
  #intake: Intake | undefined
  #decoder: Decoder | undefined
  #flow: Flow | undefined
  #head: Head | undefined
  #status = 0
  #firstOutputMs = 0
  #over = false

  constructor(call: Call, channel: Channel, tools: Tools, ends: Ends) {
    this.protocol = call.protocol
    this.alarms = tools.alarms
    this.#call = call
    this.#channel = channel
    this.#tools = tools
    this.#ends = ends
    this.#patience = new Patience(tools.alarms, channel.target.upstream.timeouts, this)
  }

  start(): void {
    const { credential, place, target } = this.#channel
    const { connectMs } = target.upstream.timeouts
    const { facts, passedHeaders, departure } = this.#call
    target.busy++
    departure.waiter = this
    if (departure.left) return this.clientLeft()
    this.#patience.begin(facts.stream)
    const body = target.model === facts.model ? this.#call.body : splice(this.#call.body, facts.modelAt, target.model)
    const headers = passedHeaders.length === 0 ? credential.headers : [...credential.headers, ...passedHeaders]
    try {
      this.#tools.connections.send({ place, path: this.protocol.path, headers, body, connectMs }, this)
    } catch (error) {
      this.#fail(toConnectionError(error))
    }
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort
    if (this.#over) abort()
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (status < 200) return true
    this.#status = status
    this.#resume = resume
    this.#head = readHead(raw)
    const intake = this.#intakeFor(status)
    this.#patience.renew()
    const encoding = this.#head.contentEncoding
    if (encoding) this.#decoder = new Decoder(encoding, intake, () => this.#goOn())
    this.#intake = this.#decoder ?? intake
    return true
  }

  onData(chunk: Buffer): boolean {
    if (this.#over || !this.#intake) return true
    const more = this.#intake.take(chunk)
    if (more) this.#patience.renew()
    else this.#patience.pause()
    return more
  }

  onComplete(): void {
    if (this.#over) return
    this.#patience.allCame()
    this.#intake?.end()
  }

  onError(error: Error): void {
    if (!this.#over) this.#fail(toConnectionError(error))
  }

  outOfPatience(): void {
    this.#fail(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
  }

  clientLeft(): void {
    if (!this.#flow) return this.#fail(new RelayError('client_left', 'The client left.'))
    if (this.#tools.drain) this.#flow.drain()
    else this.#flow.leave()
  }

  commit(flow: Flow): void {
    this.#flow = flow
    this.#intake = this.#decoder ?? flow
    this.#decoder?.into(flow)
    this.#resolve(flow)
  }

  refuse(error: RelayError): void {
    if (this.#over) return
    this.#finish()
    this.#abort?.()
    this.#ends.reject(error)
  }

  doubt(fault: Fault): void {
    const around = { upstreamStatus: this.#status, retryAfterMs: this.#head?.retryAfterMs }
    this.refuse(toRelayError(redactFault(fault, this.#channel.credential), around))
  }

  redact(records: Buffer): Buffer {
    return redactRecords(records, this.#channel.credential)
  }

  resume(): void {
    this.#patience.renew()
    if (this.#decoder) this.#decoder.resume()
    else this.#resume?.()
  }

  ended(end: Pick<End, 'outcome' | 'usage' | 'error'>): void {
    if (this.#over) return
    this.#finish()
    this.#abort?.()
    this.#settle(end)
  }

  /** The decoder can take more. */
  #goOn(): void {
    this.#patience.renew()
    this.#resume?.()
  }

  #fail(error: RelayError): void {
    if (this.#intake) this.#intake.fail(error)
    else this.refuse(error)
  }

  #intakeFor(status: number): Intake {
    if (status < 200 || status > 299 || status === 204 || status === 205)
      return new Whole(LONGEST_FAULT, (body, error) => this.#explain(body, error))
    if (this.#call.facts.stream) return new Hold(this)
    return new Whole(LONGEST_ANSWER, (body, error) => this.#judge(body, error))
  }

  /** An error's status: what its body says of it, if it came whole. */
  #explain(bytes: Buffer | undefined, error: RelayError | undefined): void {
    if (error?.kind === 'client_left') return this.refuse(error)
    const upstreamStatus = this.#status
    const { credential } = this.#channel
    const fault = bytes && this.protocol.readFault(upstreamStatus, bytes)
    const body = fault?.native ? () => Buffer.from(redactJson(bytes?.toString() ?? '', credential)) : undefined
    const around = { upstreamStatus, retryAfterMs: this.#head?.retryAfterMs, body }
    this.refuse(toRelayError(fault && redactFault(fault, credential), around))
  }

  #judge(body: Buffer | undefined, error: RelayError | undefined): void {
    if (this.#over) return
    if (!body) return this.refuse(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    const { usage, fault } = this.protocol.readAnswer(body)
    if (fault) return this.doubt(fault)
    this.#finish()
    this.#resolve(body)
    this.#settle({ outcome: 'complete', usage })
  }

  #resolve(body: Buffer | Flow): void {
    this.#patience.outputCame()
    const { target } = this.#channel
    const time = now()
    this.#firstOutputMs = time - this.#call.startedAt
    target.firstOutputMs +=
      (target.firstOutputMs === 0 ? 1 : SMOOTHING) * (time - this.#startedAt - target.firstOutputMs)
    this.#call.attempts.push({ target: target.name, status: this.#status })
    this.#ends.resolve({ status: this.#status, contentType: this.#head?.contentType ?? '', body })
  }

  #settle(end: Pick<End, 'outcome' | 'usage' | 'error'>): void {
    const { outcome, usage, error } = end
    const { target } = this.#channel
    this.#call.settle({ outcome, usage, error, target, status: this.#status, firstOutputMs: this.#firstOutputMs })
  }

  #finish(): void {
    this.#over = true
    this.#decoder?.stop()
    this.#patience.end()
    this.#call.departure.waiter = undefined
    this.#channel.target.busy--
    this.#ends.release()
  }
}
