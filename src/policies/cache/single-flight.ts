import type { Call, CallEnd } from '../../call.js'
import { RelayError } from '../../errors.js'
import type { ByteStream } from '../../http.js'
import { ClientConnection } from '../../lib/client-connection.js'
import type { Reply } from '../../upstream/attempt/reply.js'
import { readForClient, StreamRecorder } from './stream-recorder.js'

/** Has a call answered. */
export interface AnswerProducer {
  produce(call: Call): Promise<Reply>
  /** Ends a call whose answer has failed before it began. More than once does no harm. */
  failed(call: Call, error: unknown): void
}

export interface SingleFlightOptions {
  /** Stands for the request: of the same key, another one may not join. */
  readonly fingerprint: string
  /** A longer stream is not recorded. */
  readonly maxBytes: number
  /** The flight is over: nobody can join it any more. With its answer, if that was whole and good. */
  readonly onFinish: (answer: FinishedFlight | undefined) => void
}

/** What a flight has brought. */
export interface FinishedFlight {
  readonly reply: Reply
  /** Undefined for a whole answer. */
  readonly recording: StreamRecorder | undefined
}

/**
 * One upstream call for all who ask the same at the same time. It belongs to none of them: it ends early only when all
 * have left. It is settled on the call of the one who asked first.
 */
export class SingleFlight {
  readonly fingerprint: string
  readonly #options: SingleFlightOptions
  readonly #departure = new ClientConnection()
  readonly #reply: Promise<Reply>
  #recording: StreamRecorder | undefined
  #members = 0
  #end: CallEnd | undefined
  #taken: Reply | undefined
  #isLanded = false
  /** Those who have read all of a stream before it was known how it ended. */
  readonly #curious: (() => void)[] = []
  /** What the one who asked first is answered. */
  readonly leader: Promise<Reply>

  constructor(leader: Call, producer: AnswerProducer, options: SingleFlightOptions) {
    this.fingerprint = options.fingerprint
    this.#options = options
    const client = leader.client
    leader.client = this.#departure
    const { onEnd } = leader
    leader.onEnd = (end) => {
      onEnd?.(end)
      this.#ended(end)
    }
    this.#reply = producer.produce(leader).then((reply) => this.#took(reply))
    this.#reply.catch((error: unknown) => {
      producer.failed(leader, error)
      this.#land(undefined)
    })
    this.leader = this.#join(client, () => undefined)
  }

  /** Whether its answer can still be had from the beginning. */
  get isOpen(): boolean {
    return !this.#isLanded && !this.#departure.isClosed && (this.#recording?.isWhole ?? true)
  }

  /** The same answer for another call, which is settled as one that cost nothing. */
  join(call: Call): Promise<Reply> {
    return this.#join(call.client, (outcome, reply) => settleFree(call, outcome, reply))
  }

  async #join(client: ClientConnection, settle: Settle): Promise<Reply> {
    this.#members++
    const reply = await new Promise<Reply>((resolve, reject) => {
      const leave = (): void => {
        this.#leave()
        reject(new RelayError('client_left', 'The client left.'))
      }
      if (client.isClosed) return leave()
      client.listener = { onDisconnect: leave }
      const arrived = (landed: Reply): void => {
        // From here on whoever reads the answer hears of the client's leaving.
        client.listener = undefined
        resolve(landed)
      }
      this.#reply.then(arrived, reject)
    })
    if (!this.#recording) {
      settle('complete', reply)
      return reply
    }
    return { ...reply, body: this.#read(this.#recording, client, (outcome) => settle(outcome, reply)) }
  }

  #read(recording: StreamRecorder, client: ClientConnection, settle: (outcome: Ending) => void): Reply['body'] {
    return readForClient(client, recording, (hasLeft) => {
      if (hasLeft) {
        this.#leave()
        return settle('left')
      }
      this.#members--
      const tell = (): void => settle(this.#end?.outcome === 'complete' ? 'complete' : 'cut')
      // A stream's last words go out in the same breath as its end is told, but before it.
      if (this.#end) tell()
      else this.#curious.push(tell)
    })
  }

  #leave(): void {
    this.#members--
    if (this.#members === 0 && !this.#isLanded) this.#departure.close()
  }

  #took(reply: Reply): Reply {
    const { body } = reply
    this.#taken = reply
    if (!Buffer.isBuffer(body)) this.#record(body)
    if (this.#end) this.#ended(this.#end)
    return reply
  }

  #record(body: ByteStream): void {
    const recording = new StreamRecorder(this.#options.maxBytes)
    recording.resumeSource = () => body.resume()
    this.#recording = recording
    body.start(recording)
  }

  /** Both the answer and its end are known, in whichever order they came. */
  #ended(end: CallEnd): void {
    this.#end = end
    for (const tell of this.#curious.splice(0)) tell()
    if (!this.#taken) return
    // When all have left, the rest may be read for its usage only: then it is not recorded.
    const isWhole = !this.#recording || (this.#recording.isWhole && this.#recording.hasEnded)
    const isGood = end.outcome === 'complete' && !end.refused && isWhole
    this.#land(isGood ? { reply: this.#taken, recording: this.#recording } : undefined)
  }

  #land(answer: FinishedFlight | undefined): void {
    if (this.#isLanded) return
    this.#isLanded = true
    this.#options.onFinish(answer)
  }
}

type Ending = 'complete' | 'cut' | 'left'
type Settle = (outcome: Ending, reply: Reply) => void

/** Settles a call that was answered from another's answer, or from a kept one. */
export function settleFree(
  call: Call,
  outcome: Ending,
  { status, target, losses }: Pick<Reply, 'status' | 'target' | 'losses'>,
): void {
  call.settle({ outcome, status, servedBy: target, losses })
}
