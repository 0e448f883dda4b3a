import type { Call, CallEnd } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { ByteStream } from '../../http.js'
import { ClientConnection } from '../../lib/client-connection.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import { readForClient, StreamRecorder } from './stream-recorder.js'

/** Makes the answer of a call. */
export interface AnswerProducer {
  produce(call: Call): Promise<Reply>
  /** Settles a call whose answer failed before it began. Further calls do nothing. */
  failed(call: Call, error: unknown): void
}

export interface SingleFlightOptions {
  /** Identifies the request: a different request with the same key must not join. */
  readonly fingerprint: string
  /** Longer streams are not recorded. */
  readonly maxBytes: number
  /** Called once, when no further call can join. With the answer, if it is complete and may be stored. */
  readonly onFinish: (answer: FinishedFlight | undefined) => void
}

/** The complete answer of a flight. */
export interface FinishedFlight {
  readonly reply: Reply
  /** Undefined for an answer that did not stream. */
  readonly recording: StreamRecorder | undefined
}

/**
 * One upstream call shared by all equal calls that arrive while it is in progress. It is canceled only when all their
 * clients have disconnected. The first call, the leader, pays for it.
 */
export class SingleFlight {
  readonly fingerprint: string
  /** The answer for the first call. */
  readonly leader: Promise<Reply>
  readonly #options: SingleFlightOptions
  /** Closes when the last client has disconnected. */
  readonly #connection = new ClientConnection()
  readonly #reply: Promise<Reply>
  #recording: StreamRecorder | undefined
  #members = 0
  #end: CallEnd | undefined
  #producedReply: Reply | undefined
  #isFinished = false
  /** Clients that have read the whole stream, and wait for how the call ends. */
  readonly #awaitingEnd: (() => void)[] = []

  constructor(leader: Call, producer: AnswerProducer, options: SingleFlightOptions) {
    this.fingerprint = options.fingerprint
    this.#options = options
    const { client, onEnd } = leader
    leader.client = this.#connection
    leader.onEnd = (end) => {
      onEnd?.(end)
      this.#onEnd(end)
    }
    this.#reply = producer.produce(leader).then((reply) => this.#onReply(reply))
    this.#reply.catch((error: unknown) => {
      producer.failed(leader, error)
      this.#finish(undefined)
    })
    this.leader = this.#addMember(client, () => undefined)
  }

  /** Whether a further call can still get the whole answer. */
  get isOpen(): boolean {
    return !this.#isFinished && !this.#connection.isClosed && (this.#recording?.isWhole ?? true)
  }

  /** Answers a further call, free of charge. */
  join(call: Call): Promise<Reply> {
    return this.#addMember(call.client, (outcome, reply) => settleFree(call, outcome, reply))
  }

  async #addMember(client: ClientConnection, settle: SettleMember): Promise<Reply> {
    this.#members++
    const reply = await new Promise<Reply>((resolve, reject) => {
      const onDisconnect = (): void => {
        this.#removeMember()
        reject(new RelayError('client_left', 'The client disconnected.'))
      }
      if (client.isClosed) return onDisconnect()
      client.listener = { onDisconnect }
      const onReply = (produced: Reply): void => {
        // The reader of the answer listens for the disconnect from now on.
        client.listener = undefined
        resolve(produced)
      }
      this.#reply.then(onReply, reject)
    })
    if (!this.#recording) {
      settle('complete', reply)
      return reply
    }
    return { ...reply, body: this.#readRecording(this.#recording, client, (outcome) => settle(outcome, reply)) }
  }

  #readRecording(
    recording: StreamRecorder,
    client: ClientConnection,
    settle: (outcome: MemberOutcome) => void,
  ): Reply['body'] {
    return readForClient(client, recording, (hasLeft) => {
      if (hasLeft) {
        this.#removeMember()
        return settle('left')
      }
      this.#members--
      const settleByEnd = (): void => settle(this.#end?.outcome === 'complete' ? 'complete' : 'cut')
      // The last bytes of a stream are delivered just before its end is known.
      if (this.#end) settleByEnd()
      else this.#awaitingEnd.push(settleByEnd)
    })
  }

  #removeMember(): void {
    this.#members--
    if (this.#members === 0 && !this.#isFinished) this.#connection.close()
  }

  #onReply(reply: Reply): Reply {
    const { body } = reply
    this.#producedReply = reply
    if (!Buffer.isBuffer(body)) this.#record(body)
    if (this.#end) this.#onEnd(this.#end)
    return reply
  }

  #record(body: ByteStream): void {
    const recording = new StreamRecorder(this.#options.maxBytes)
    recording.resumeSource = () => body.resume()
    this.#recording = recording
    body.start(recording)
  }

  /** The reply and the end of the call may come in either order; with both the flight is finished. */
  #onEnd(end: CallEnd): void {
    this.#end = end
    for (const settle of this.#awaitingEnd.splice(0)) settle()
    if (!this.#producedReply) return
    // After all clients have disconnected, the rest may be read for its usage only, and is not recorded.
    const isWhole = !this.#recording || (this.#recording.isWhole && this.#recording.hasEnded)
    const isStorable = end.outcome === 'complete' && !end.refused && isWhole
    this.#finish(isStorable ? { reply: this.#producedReply, recording: this.#recording } : undefined)
  }

  #finish(answer: FinishedFlight | undefined): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#options.onFinish(answer)
  }
}

type MemberOutcome = 'complete' | 'cut' | 'left'
type SettleMember = (outcome: MemberOutcome, reply: Reply) => void

/** Settles a call that was answered from another call's answer, or from a stored one. */
export function settleFree(
  call: Call,
  outcome: MemberOutcome,
  { status, target, losses }: Pick<Reply, 'status' | 'target' | 'losses'>,
): void {
  call.settle({ outcome, status, servedBy: target, losses })
}
