import { RelayError } from '../../errors.js'
import { ClientConnection } from '../../lib/client-connection.js'
import { codeOf } from '../../lib/codes.js'
import { type DeadlineTimer, now } from '../../lib/time.js'
import type { Logger } from '../../plugins.js'
import type { ModelListing } from '../../protocols/model-listing.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Upstream } from '../../targets.js'
import { broken } from '../attempt/failures.js'
import type { ConnectionPools } from '../connection/connection-pools.js'
import { readDocument } from '../connection/read-document.js'

/** What lists are read with, and who is told of them. */
export interface ListTools {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  readonly logger: Logger
  /** The names that a provider has just now, each once. */
  readonly learn: (upstream: Upstream, names: readonly string[]) => void
}

/** A provider whose list is read. */
interface Listed {
  readonly upstream: Upstream
  readonly protocol: Protocol
  readonly listing: ModelListing
  readonly everyMs: number
  /** On {@link now}'s clock; `Infinity` while it is being read. */
  dueAt: number
  isFailing: boolean
}

/** Beyond these a list is no list of models, and what is left is not read. */
const LONGEST_PAGE = 4 * 1024 * 1024
const MOST_PAGES = 10
const MOST_NAMES = 2000
/** So many of a provider's addresses and keys are tried for one reading. */
const MOST_TRIES = 3
/** What can be asked for by that name and told in a header; a star would be a pattern. */
const NAME = /^[\x21-\x29\x2b-\x7e]{1,256}$/
/** What a timer can count. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Reads the providers' own lists of models, at start and at each one's interval, and tells what they hold. Nobody waits
 * for it, a list that cannot be read leaves the last one standing, and one timer serves all.
 */
export class ModelLists {
  readonly #tools: ListTools
  readonly #lists: readonly Listed[]
  /** Of each reading under way. */
  readonly #departures = new Set<ClientConnection>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(upstreams: Iterable<Upstream>, tools: ListTools) {
    this.#tools = tools
    this.#lists = [...upstreams].flatMap((upstream) => {
      const { refreshModelsMs: everyMs } = upstream
      const protocol = upstream.speaks.find(({ listing }) => listing)
      if (everyMs === undefined || !protocol?.listing) return []
      return { upstream, protocol, listing: protocol.listing, everyMs, dueAt: 0, isFailing: false }
    })
    // By the timer: who makes a relay only to look at it, and closes it at once, asks nobody.
    this.#schedule()
  }

  /** Breaks off what is under way, and reads no more. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const client of this.#departures) client.close()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const next = Math.min(...this.#lists.map(({ dueAt }) => dueAt))
    if (this.#isClosed || next === Number.POSITIVE_INFINITY) return
    const waitMs = Math.min(Math.max(next - now(), 0), LONGEST_TIMER_MS)
    this.#timer = setTimeout(() => this.#readDue(), waitMs).unref()
  }

  #readDue(): void {
    for (const listed of this.#lists) {
      if (listed.dueAt <= now()) void this.#refresh(listed)
    }
    this.#schedule()
  }

  async #refresh(listed: Listed): Promise<void> {
    const { upstream, everyMs } = listed
    listed.dueAt = Number.POSITIVE_INFINITY
    try {
      const names = await this.#read(listed)
      if (this.#isClosed) return
      this.#tools.learn(upstream, names)
      if (listed.isFailing) this.#tools.logger.info({ provider: upstream.id }, 'a list of models can be read again')
      listed.isFailing = false
    } catch (error) {
      if (this.#isClosed) return
      if (!listed.isFailing) this.#tools.logger.warn(reasonOf(upstream, error), 'a list of models cannot be read')
      listed.isFailing = true
    }
    listed.dueAt = now() + everyMs
    this.#schedule()
  }

  /** By its first address and key; where these fail, by the next. */
  async #read(listed: Listed): Promise<readonly string[]> {
    const { baseUrls, credentials } = listed.upstream
    const ways = baseUrls
      .flatMap((baseUrl) => credentials.map((credential) => ({ baseUrl, credential })))
      .slice(0, MOST_TRIES)
    let failure: unknown
    for (const way of ways) {
      try {
        return await this.#readPages(listed, way)
      } catch (error) {
        failure = error
        if (this.#isClosed) break
      }
    }
    throw failure
  }

  async #readPages(
    { upstream, protocol, listing }: Listed,
    way: Pick<Channel, 'baseUrl' | 'credential'>,
  ): Promise<readonly string[]> {
    const { connections, deadlineTimer } = this.#tools
    const names = new Set<string>()
    const client = new ClientConnection()
    this.#departures.add(client)
    try {
      let after: string | undefined
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const asked = { ...way, upstream, protocol, path: listing.pathFor(after), maxBytes: LONGEST_PAGE }
        const page = listing.readPage(await readDocument(asked, { connections, deadlineTimer, client }))
        if (!page) throw new RelayError('upstream_invalid', 'The provider gave no list of models.')
        for (const name of page.names) {
          if (names.size < MOST_NAMES && NAME.test(name)) names.add(name)
        }
        after = page.next
        if (after === undefined || names.size === MOST_NAMES) break
      }
    } finally {
      this.#departures.delete(client)
    }
    return [...names]
  }
}

/** For the operator: without the stack and the sockets that come with it. */
function reasonOf({ id: provider }: Upstream, error: unknown): object {
  const { message, cause, upstreamStatus } = error instanceof RelayError ? error : broken(error)
  const reason = cause instanceof Error ? [codeOf(cause), cause.message].filter(Boolean).join(': ') : cause
  return { provider, error: message, status: upstreamStatus, cause: reason }
}
