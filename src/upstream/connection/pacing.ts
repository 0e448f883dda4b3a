import type Bottleneck from 'bottleneck'
import { RelayError } from '../../errors.js'
import type { ClientConnection } from '../../lib/client-connection.js'
import type { Channel, Pace } from '../../targets.js'

/** The queue of one credential. */
interface PacingQueue {
  readonly limiter: Bottleneck
  /** In order of arrival. */
  readonly waiting: Set<(release: Release) => void>
  /** A turn is requested from the limiter, and has not started yet. */
  isTurnRequested: boolean
}

/**
 * Queues calls to paced credentials. Bottleneck spaces the turns, but its queue has no timeout and cannot be left. So
 * the queue is kept here, and Bottleneck is asked for one turn at a time.
 */
export class Pacing {
  readonly #queues = new Map<string, PacingQueue>()

  /** Waits for a turn. Returns the function that ends it. @throws {RelayError} `upstream_busy` when the queue is full or too slow */
  async enter({ credential }: Channel, pace: Pace, client: ClientConnection): Promise<Release> {
    const queue = this.#queues.get(credential.name) ?? (await this.#open(credential.name, pace))
    if (queue.waiting.size > pace.queue) throw new RelayError('upstream_busy', 'The queue for this model is full.')
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        queue.waiting.delete(onTurn)
        clearTimeout(timer)
        client.listener = undefined
      }
      const onTurn = (release: Release): void => {
        leave()
        resolve(release)
      }
      const fail = (error: RelayError): void => {
        leave()
        reject(error)
      }
      const timer = setTimeout(() => {
        fail(new RelayError('upstream_busy', 'The queue for this model did not move in time.'))
      }, pace.queueMs)
      client.listener = { onDisconnect: () => fail(new RelayError('client_left', 'The client disconnected.')) }
      if (client.isClosed) return client.listener.onDisconnect()
      queue.waiting.add(onTurn)
      requestTurn(queue)
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ limiter }) => limiter.disconnect(true)))
    this.#queues.clear()
  }

  async #open(name: string, pace: Pace): Promise<PacingQueue> {
    // Loaded at the first paced request: most relays pace nothing.
    const { default: Limiter } = await import('bottleneck/light.js')
    const known = this.#queues.get(name)
    if (known) return known
    const limiter = new Limiter({ maxConcurrent: pace.concurrency ?? null, minTime: pace.minTimeMs })
    const queue: PacingQueue = { limiter, waiting: new Set(), isTurnRequested: false }
    this.#queues.set(name, queue)
    return queue
  }
}

/** Ends the turn, once the answer has ended. */
export type Release = () => void

/** Requests a turn, which goes to the call that then has waited longest. */
function requestTurn(queue: PacingQueue): void {
  if (queue.isTurnRequested || queue.waiting.size === 0) return
  queue.isTurnRequested = true
  const turn = (): Promise<void> =>
    new Promise((release) => {
      queue.isTurnRequested = false
      const [next] = queue.waiting
      if (next) next(release)
      else release()
      requestTurn(queue)
    })
  // Rejects only when the limiter is closed; waiting calls then end by their own timeouts.
  queue.limiter.schedule(turn).catch(() => undefined)
}
