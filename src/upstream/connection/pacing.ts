import type Bottleneck from 'bottleneck'
import { RelayError } from '../../errors.js'
import type { ClientConnection } from '../../lib/client-connection.js'
import type { Channel, Pace } from '../../targets.js'

/** One credential's queue. */
interface PacingQueue {
  readonly limiter: Bottleneck
  /** In the order they came. */
  readonly waiting: Set<(release: Release) => void>
  /** A turn has been asked for and not come yet. */
  asked: boolean
}

/**
 * Queues toward credentials whose provider wants to be asked gently; the others never come here. Bottleneck spaces the
 * turns, but has no queue time-out and no way to leave its queue: so the queue is kept here, and it is asked for one turn
 * at a time.
 */
export class Pacing {
  readonly #lines = new Map<string, PacingQueue>()

  /** @throws {RelayError} `upstream_busy` when the queue is full or does not move */
  async enter({ credential }: Channel, pace: Pace, client: ClientConnection): Promise<Release> {
    const line = this.#lines.get(credential.name) ?? (await this.#open(credential.name, pace))
    if (line.waiting.size > pace.queue) throw new RelayError('upstream_busy', 'The queue for this model is full.')
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        line.waiting.delete(take)
        clearTimeout(timer)
        client.listener = undefined
      }
      const take = (release: Release): void => {
        leave()
        resolve(release)
      }
      const giveUp = (error: RelayError): void => {
        leave()
        reject(error)
      }
      const timer = setTimeout(() => {
        giveUp(new RelayError('upstream_busy', 'The queue for this model did not move in time.'))
      }, pace.queueMs)
      client.listener = { onDisconnect: () => giveUp(new RelayError('client_left', 'The client left.')) }
      if (client.isClosed) return client.listener.onDisconnect()
      line.waiting.add(take)
      askForTurn(line)
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ limiter }) => limiter.disconnect(true)))
    this.#lines.clear()
  }

  async #open(name: string, pace: Pace): Promise<PacingQueue> {
    // Loaded when the first paced request comes: most relays pace nothing.
    const { default: Limiter } = await import('bottleneck/light.js')
    const known = this.#lines.get(name)
    if (known) return known
    const limiter = new Limiter({ maxConcurrent: pace.concurrency ?? null, minTime: pace.minTimeMs })
    const line: PacingQueue = { limiter, waiting: new Set(), asked: false }
    this.#lines.set(name, line)
    return line
  }
}

/** Gives the slot back, once the answer has ended. */
export type Release = () => void

/** The turn goes to whoever waits longest when it comes. */
function askForTurn(line: PacingQueue): void {
  if (line.asked || line.waiting.size === 0) return
  line.asked = true
  const turn = (): Promise<void> =>
    new Promise((release) => {
      line.asked = false
      const [next] = line.waiting
      if (next) next(release)
      else release()
      askForTurn(line)
    })
  // Refused only when the limiter is gone; who still waits is told by its own time-out.
  line.limiter.schedule(turn).catch(() => undefined)
}
