import type { Call, Channel } from '../call.js'
import type { Fault } from '../chat/fault.js'
import { RelayError } from '../errors.js'
import type { Waiter } from '../lib/departure.js'
import { type Alarms, now } from '../lib/time.js'
import type { Protocol } from '../protocols/protocol.js'
import { enclose } from './enclose.js'
import { broken, type Circumstances, failureOf, readFailure, toConnectionError } from './failures.js'
import type { Head } from './headers.js'
import { Hold } from './hold.js'
import { type Answering, type Ended, type Intake, LONGEST_ANSWER, type Preamble, Whole } from './intake.js'
import type { Outflow } from './outlet.js'
import type { Passage } from './passage.js'
import { type Impatient, Patience } from './patience.js'
import { Raw } from './raw.js'
import { redactRecords } from './redact.js'
import type { Reply, Tools } from './reply.js'
import { answeredIn } from './speed.js'
import { streamsFor } from './translation.js'
import { type Attending, Wire } from './wire.js'

/** An error's body beyond this is no explanation. */
const LONGEST_FAULT = 64 * 1024

/**
 * One attempt: sends the call to one channel, and gives the answer once it is past its commit point. Until then every
 * failure rejects, and another channel may be tried. `release` is called once, when the upstream's connection is free.
 * @throws {RelayError}
 */
export function exchange(call: Call, channel: Channel, tools: Tools, release: () => void): Promise<Reply> {
  return new Promise((resolve, reject) => {
    try {
      const passage = call.open(call, channel, tools)
      new Exchange({ call, channel, tools, passage }, { resolve, reject, release }).start()
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
  readonly passage: Passage
}

interface Ends {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: RelayError) => void
  readonly release: () => void
}

class Exchange implements Attending, Answering, Impatient, Waiter {
  readonly alarms: Alarms
  readonly protocol: Protocol
  readonly #call: Call
  readonly #channel: Channel
  readonly #tools: Tools
  readonly #passage: Passage
  readonly #ends: Ends
  readonly #patience: Patience
  readonly #startedAt: number = now()
  readonly #wire: Wire
  #flow: Outflow | undefined
  #head: Head | undefined
  #status = 0
  #firstOutputMs = 0
  #over = false

  constructor({ call, channel, tools, passage }: Given, ends: Ends) {
    this.alarms = tools.alarms
    this.protocol = passage.protocol
    this.#wire = new Wire(this, tools.alarms, channel.target.envelope?.unframing)
    this.#passage = passage
    this.#call = call
    this.#channel = channel
    this.#tools = tools
    this.#ends = ends
    this.#patience = new Patience(tools.alarms, channel.target.upstream.timeouts, this)
  }

  start(): void {
    const { place, target } = this.#channel
    const { connectMs } = target.upstream.timeouts
    const { facts, departure } = this.#call
    // First: a name that cannot stand in a path throws here.
    const { path, headers, body } = enclose(this.#channel, this.#passage, streamsFor(this.#call, target))
    target.busy++
    departure.waiter = this
    if (departure.left) return this.clientLeft()
    this.#patience.begin(facts.stream)
    try {
      this.#tools.connections.send({ provider: target.upstream.id, place, path, headers, body, connectMs }, this.#wire)
    } catch (error) {
      this.failed(toConnectionError(error))
    }
  }

  begun(status: number, head: Head): Intake {
    this.#status = status
    this.#head = head
    this.#patience.renew()
    if (status < 200 || status > 299 || status === 204 || status === 205)
      return new Whole(LONGEST_FAULT, (body, error) => this.#explain(body, error))
    const kind = this.#passage.kindOf?.(head.contentType) ?? (this.#call.facts.stream ? 'stream' : 'whole')
    if (kind === 'stream') return new Hold(this)
    if (kind === 'raw') return new Raw(this)
    return new Whole(LONGEST_ANSWER, (body, error) => this.#judge(body, error))
  }

  came(more: boolean): void {
    if (more) this.#patience.renew()
    else this.#patience.pause()
  }

  allCame(): void {
    this.#patience.allCame()
  }

  failed(error: RelayError): void {
    if (this.#wire.intake) this.#wire.intake.fail(error)
    else this.refuse(error)
  }

  outOfPatience(): void {
    this.failed(new RelayError('upstream_timeout', 'The provider kept silent for too long.'))
  }

  clientLeft(): void {
    if (!this.#flow) return this.failed(new RelayError('client_left', 'The client left.'))
    if (this.#tools.drain) this.#flow.drain()
    else this.#flow.leave()
  }

  commit(preamble: Preamble): Outflow {
    const flow = this.#passage.open(this, preamble)
    this.#flow = flow
    this.#wire.into(flow)
    this.#resolve(flow)
    return flow
  }

  commitWhole(body: Buffer): void {
    const flow = this.#passage.openTranslated(this)
    this.#flow = flow
    this.#wire.into(flow)
    this.#resolve(flow, '')
    flow.tell(body)
  }

  refuse(error: RelayError): void {
    if (this.#over) return
    this.#finish()
    this.#wire.abort()
    this.#ends.reject(error)
  }

  doubt(fault: Fault): void {
    this.refuse(this.errorOf(fault))
  }

  errorOf(fault: Fault): RelayError {
    return failureOf(fault, this.#channel.credential, this.#circumstances)
  }

  redact(records: Buffer): Buffer {
    return redactRecords(records, this.#channel.credential)
  }

  resume(): void {
    this.#patience.renew()
    this.#wire.resume()
  }

  finished(end: Ended): void {
    if (this.#over) return
    this.#end(end)
    this.#wire.linger()
  }

  ended(end: Ended): void {
    if (this.#over) return
    this.#end(end)
    this.#wire.abort()
  }

  /** An error's status: what its body says of it, if it came whole. */
  #explain(bytes: Buffer | undefined, error: RelayError | undefined): void {
    if (error?.kind === 'client_left') return this.refuse(error)
    const around = this.#circumstances
    const { credential } = this.#channel
    this.refuse(readFailure(bytes, { protocol: this.protocol, credential, isTheirs: !around.isForeign }, around))
  }

  get #circumstances(): Circumstances {
    const isForeign = this.protocol.id !== this.#call.protocol.id
    return { upstreamStatus: this.#status, retryAfterMs: this.#head?.retryAfterMs, isForeign }
  }

  #judge(body: Buffer | undefined, error: RelayError | undefined): void {
    if (this.#over) return
    if (!body) return this.refuse(error ?? new RelayError('upstream_invalid', 'The provider gave too long an answer.'))
    const { bytes, usage, fault, refused, estimate } = this.#passage.deliver(body)
    if (fault) return this.doubt(fault)
    this.#resolve(bytes, bytes === body ? undefined : '')
    this.#end({ outcome: 'complete', usage, refused, estimate })
  }

  /** What is told anew is of the usual type, whatever the upstream called its own. */
  #resolve(body: Buffer | Outflow, upstreams: string = this.#head?.contentType ?? ''): void {
    this.#patience.outputCame()
    const { target } = this.#channel
    const time = now()
    this.#firstOutputMs = time - this.#call.startedAt
    answeredIn(target, time - this.#startedAt)
    this.#call.attempts.push({ target: target.name, status: this.#status })
    const contentType = this.#passage.contentType(upstreams)
    const { losses } = this.#passage
    this.#ends.resolve({ status: this.#status, target: target.name, contentType, body, losses })
  }

  #end({ outcome, usage, refused, error, estimate }: Ended): void {
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
      get delivered() {
        return estimate?.()
      },
    })
  }

  #finish(): void {
    this.#over = true
    this.#wire.close()
    this.#patience.end()
    this.#call.departure.waiter = undefined
    this.#channel.target.busy--
    this.#ends.release()
  }
}
