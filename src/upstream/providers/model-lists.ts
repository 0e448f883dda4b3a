import { RelayError } from '../../errors.js'
import { ClientConnection } from '../../lib/client-connection.js'
import { errorCodeOf } from '../../lib/error-code.js'
import { type DeadlineTimer, now } from '../../lib/time.js'
import type { Logger } from '../../plugins.js'
import type { ModelListing } from '../../protocols/model-listing.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Channel, Upstream } from '../../targets.js'
import { internalError } from '../attempt/failures.js'
import { readDocument } from '../connection/read-document.js'
import type { ConnectionPools } from '../connection/upstream-connection.js'

export interface ModelListsOptions {
  readonly connections: ConnectionPools
  readonly deadlineTimer: DeadlineTimer
  readonly logger: Logger
  /** Receives the names that a provider lists, each once. */
  readonly onList: (upstream: Upstream, names: readonly string[]) => void
}

/** The list of one provider. */
interface ProviderList {
  readonly upstream: Upstream
  readonly protocol: Protocol
  readonly listing: ModelListing
  readonly intervalMs: number
  /** When the list is read next, on the clock of {@link now}; `Infinity` while it is being read. */
  dueAt: number
  isFailing: boolean
}

/** The rest of a longer list is not read. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024
const MAX_PAGES = 10
const MAX_NAMES = 2000
/** Base URLs and credentials that are tried for one list. */
const MAX_ATTEMPTS = 3
/** Names that fit into a header; `*` would be a wildcard. */
const NAME = /^[\x21-\x29\x2b-\x7e]{1,256}$/
/** The longest delay of `setTimeout`. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Reads the providers' own lists of models in the background: at the start, and then at each provider's interval. While a
 * list cannot be read, the previous one stays valid. One timer serves all providers.
 */
export class ModelLists {
  readonly #options: ModelListsOptions
  readonly #lists: readonly ProviderList[]
  /** Closing these cancels the requests in progress. */
  readonly #requests = new Set<ClientConnection>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(upstreams: Iterable<Upstream>, options: ModelListsOptions) {
    this.#options = options
    this.#lists = [...upstreams].flatMap((upstream) => {
      const { refreshModelsMs: intervalMs } = upstream
      const protocol = upstream.speaks.find(({ listing }) => listing)
      if (intervalMs === undefined || !protocol?.listing) return []
      return { upstream, protocol, listing: protocol.listing, intervalMs, dueAt: 0, isFailing: false }
    })
    // By the timer, so that a relay that is closed at once sends nothing.
    this.#schedule()
  }

  /** Cancels requests in progress, and sends no more. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const client of this.#requests) client.close()
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    const next = Math.min(...this.#lists.map(({ dueAt }) => dueAt))
    if (this.#isClosed || next === Number.POSITIVE_INFINITY) return
    const waitMs = Math.min(Math.max(next - now(), 0), MAX_TIMER_MS)
    this.#timer = setTimeout(() => this.#readDue(), waitMs).unref()
  }

  #readDue(): void {
    for (const list of this.#lists) {
      if (list.dueAt <= now()) void this.#refresh(list)
    }
    this.#schedule()
  }

  async #refresh(list: ProviderList): Promise<void> {
    const { upstream, intervalMs } = list
    list.dueAt = Number.POSITIVE_INFINITY
    try {
      const names = await this.#read(list)
      if (this.#isClosed) return
      this.#options.onList(upstream, names)
      if (list.isFailing)
        this.#options.logger.info({ provider: upstream.id }, "a provider's list of models can be read again")
      list.isFailing = false
    } catch (error) {
      if (this.#isClosed) return
      if (!list.isFailing)
        this.#options.logger.warn(failureDetails(upstream, error), "a provider's list of models cannot be read")
      list.isFailing = true
    }
    list.dueAt = now() + intervalMs
    this.#schedule()
  }

  /** Tries the base URLs and credentials in order, until one gives the list. */
  async #read(list: ProviderList): Promise<readonly string[]> {
    const { baseUrls, credentials } = list.upstream
    const channels = baseUrls
      .flatMap((baseUrl) => credentials.map((credential) => ({ baseUrl, credential })))
      .slice(0, MAX_ATTEMPTS)
    let failure: unknown
    for (const channel of channels) {
      try {
        return await this.#readPages(list, channel)
      } catch (error) {
        failure = error
        if (this.#isClosed) break
      }
    }
    throw failure
  }

  async #readPages(
    { upstream, protocol, listing }: ProviderList,
    channel: Pick<Channel, 'baseUrl' | 'credential'>,
  ): Promise<readonly string[]> {
    const { connections, deadlineTimer } = this.#options
    const names = new Set<string>()
    const client = new ClientConnection()
    this.#requests.add(client)
    try {
      let after: string | undefined
      for (let pages = 0; pages < MAX_PAGES; pages++) {
        const request = { ...channel, upstream, protocol, path: listing.pathFor(after), maxBytes: MAX_PAGE_BYTES }
        const page = listing.readPage(await readDocument(request, { connections, deadlineTimer, client }))
        if (!page) throw new RelayError('upstream_invalid', 'The provider did not return a list of models.')
        for (const name of page.names) {
          if (names.size < MAX_NAMES && NAME.test(name)) names.add(name)
        }
        after = page.next
        if (after === undefined || names.size === MAX_NAMES) break
      }
    } finally {
      this.#requests.delete(client)
    }
    return [...names]
  }
}

/** What a log needs of a failure, without the stack traces and sockets that errors carry. */
function failureDetails({ id: provider }: Upstream, error: unknown): object {
  const { message, cause, upstreamStatus } = error instanceof RelayError ? error : internalError(error)
  const reason = cause instanceof Error ? [errorCodeOf(cause), cause.message].filter(Boolean).join(': ') : cause
  return { provider, error: message, status: upstreamStatus, cause: reason }
}
