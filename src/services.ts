import { Prices } from './catalog/prices.js'
import { type Config, readConfig } from './config/config.js'
import { isClusterWorker } from './lib/cluster-worker.js'
import { errorCodeOf } from './lib/error-code.js'
import { DeadlineTimer } from './lib/time.js'
import {
  consoleLogger,
  type Hooks,
  type RelayOptions,
  type StoreClients,
  silentLogger,
  splitOptions,
} from './options.js'
import type { Logger, Plugin } from './plugins.js'
import { Authenticator } from './policies/access/authenticator.js'
import { Cors } from './policies/access/cors.js'
import { Groups } from './policies/access/groups.js'
import { Accounting } from './policies/admission/accounting.js'
import { Admission } from './policies/admission/admission.js'
import { Budgets } from './policies/admission/budgets.js'
import { Limiter } from './policies/admission/limiter.js'
import { warnOfUnsharedCounts } from './policies/admission/unshared-counts.js'
import { CachePolicy, type ResponseCaches } from './policies/cache/cache-policy.js'
import { lockWith, ResponseCache } from './policies/cache/response-cache.js'
import { Failover } from './policies/failover/failover.js'
import { Health } from './policies/failover/health.js'
import { ForwardRoutes } from './policies/routing/forward-routes.js'
import { Router } from './policies/routing/router.js'
import { ActiveCalls } from './requests/active-calls.js'
import { OpenSockets } from './requests/open-sockets.js'
import { UploadMemory } from './requests/upload-memory.js'
import type { MemoryBounds } from './stores/memory/bounded-map.js'
import { openStores, type Stores } from './stores/stores.js'
import { AttemptSender } from './upstream/attempt/attempt.js'
import { Pacing } from './upstream/connection/pacing.js'
import { ConnectionPools } from './upstream/connection/upstream-connection.js'
import { createUpstreams } from './upstream/providers/create-upstreams.js'
import { ModelLists } from './upstream/providers/model-lists.js'
import { SignatureMemory } from './upstream/transcode/signature-memory.js'
import { StoredResponses } from './upstream/transcode/stored-responses.js'

/** The long-lived objects of one relay. Operations take from it what they need. */
export interface Services {
  readonly config: Config
  readonly logger: Logger
  readonly cors: Cors
  readonly authenticator: Authenticator
  readonly router: Router
  readonly forwardRoutes: ForwardRoutes
  readonly prices: Prices
  readonly budgets: Budgets
  readonly admission: Admission
  readonly accounting: Accounting
  readonly cache: CachePolicy
  readonly failover: Failover
  readonly health: Health
  readonly attempts: AttemptSender
  readonly pacing: Pacing
  readonly connections: ConnectionPools
  readonly modelLists: ModelLists
  readonly stores: Stores
  readonly activeCalls: ActiveCalls
  readonly sockets: OpenSockets
  readonly uploadMemory: UploadMemory
  /** Undefined unless `responses.store` is on. */
  readonly storedResponses: StoredResponses | undefined
  readonly plugins: readonly Plugin[]
  /** At least one plugin has `admitted`. */
  readonly hasAdmissionPlugins: boolean
  /** Every stream is asked for its usage, not only those that a limit or budget counts. */
  readonly alwaysNeedsUsage: boolean
  readonly countTokens: Hooks['countTokens']
}

/** Creates the services of a relay. @throws {ConfigError} */
export function createServices(options: RelayOptions): Services {
  const { hooks, storeClients, config: configInput } = splitOptions(options)
  const config = readConfig(configInput)
  const logger = hooks.logger === false ? silentLogger : (hooks.logger ?? consoleLogger)
  const plugins = hooks.plugins ?? []
  if (config.keys.length === 0 && !hooks.authenticate)
    logger.warn({}, 'nobody can call this relay: configure `keys` or `authenticate`')
  if (isClusterWorker()) {
    const hasRedis = (storeClients.redis ?? config.store.redis) !== undefined
    const hasSql = (storeClients.sql ?? config.store.sql) !== undefined
    warnOfUnsharedCounts({ config, hasHostCallers: hooks.authenticate !== undefined, hasRedis, hasSql }, logger)
  }
  const upstreams = createUpstreams(config, process.env)
  const deadlineTimer = new DeadlineTimer()
  const groups = new Groups(config.groups)
  const budgets = new Budgets(groups)
  const stores = openRelayStores(config, storeClients, deadlineTimer, logger)
  const router = new Router(config.models, upstreams)
  const connections = new ConnectionPools(hooks.transport, hooks.sign)
  const prices = new Prices({ priceOf: hooks.priceOf, prices: config.prices, unpriced: config.unpriced, logger })
  const health = new Health(config.health, stores.cooldowns)
  const pacing = new Pacing()
  const attemptOptions = {
    connections,
    deadlineTimer,
    drain: config.onDisconnect === 'drain',
    strict: config.translation === 'strict',
    memory: new SignatureMemory(),
  }
  return {
    // The authenticator keeps digests. Keeping the keys of the config too would cost tens of MB for 100,000 keys.
    config: { ...config, keys: [] },
    logger,
    cors: new Cors(config.cors),
    authenticator: new Authenticator(config.keys, groups, hooks.authenticate),
    router,
    forwardRoutes: new ForwardRoutes(config.forward, upstreams),
    prices,
    budgets,
    admission: new Admission({
      limiter: new Limiter(config.limits, groups),
      limits: stores.limits,
      budgets,
      ledger: stores.ledger,
      prices,
      assumedOutputTokens: config.assumedOutputTokens,
    }),
    accounting: new Accounting({ plugins, logger, prices, budgets, usage: stores.usage }),
    cache: new CachePolicy(createResponseCaches(config, stores)),
    failover: new Failover(config.retry, health, (target) => prices.priceForComparison(target)),
    health,
    attempts: new AttemptSender(attemptOptions, pacing),
    pacing,
    connections,
    modelLists: new ModelLists(upstreams.values(), {
      connections,
      deadlineTimer,
      logger,
      onList: (upstream, names) => router.addDiscovered(upstream, names),
    }),
    stores,
    activeCalls: new ActiveCalls(),
    sockets: new OpenSockets(deadlineTimer, config.sockets),
    uploadMemory: new UploadMemory(config.maxUploadBytes, config.maxBodyBytes),
    storedResponses: config.responses.store ? new StoredResponses(config.responses) : undefined,
    plugins,
    hasAdmissionPlugins: plugins.some((plugin) => plugin.admitted),
    alwaysNeedsUsage: config.usage.ask || stores.usage !== undefined,
    countTokens: hooks.countTokens,
  }
}

function openRelayStores(
  { store, onStoreError, usage }: Config,
  storeClients: StoreClients,
  deadlineTimer: DeadlineTimer,
  logger: Logger,
): Stores {
  return openStores({
    redis: storeClients.redis ?? store.redis,
    sql: storeClients.sql ?? store.sql,
    prefix: store.prefix,
    timeoutMs: store.timeoutMs,
    leaseMs: store.leaseMs,
    onLimitsError: onStoreError.limits,
    onBudgetError: onStoreError.budget,
    maxUsageRecords: usage.keep,
    deadlineTimer,
    listener: (name) => ({
      outageBegan: (error) => logger.warn({ store: name, reason: safeReason(error) }, 'a store does not answer'),
      writeFailed: (error) =>
        logger.warn({ store: name, reason: safeReason(error) }, 'a store could not save an answer'),
      outageEnded: (skippedCalls) => logger.info({ store: name, skippedCalls }, 'a store answers again'),
    }),
    onWriteFailure: ({ error, lostCount }) =>
      lostCount > 0
        ? logger.error(
            { store: 'sql', reason: safeReason(error), lost: lostCount },
            'usage records and settlements are lost',
          )
        : logger.warn({ store: 'sql', reason: safeReason(error) }, 'a write to a store failed and will be retried'),
  })
}

/** Drivers attach passwords and pending data to their errors. Only the message may reach a log. */
function safeReason(error: unknown): string {
  const code = errorCodeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  return code === '' || text.includes(code) ? text : `${code}: ${text}`
}

/** Larger answers are not kept for an idempotency key. */
const MAX_IDEMPOTENT_ANSWER_BYTES = 4 * 1024 * 1024

function createResponseCaches({ cache, idempotency }: Config, stores: Stores): ResponseCaches {
  const boundsOf = ({ maxBytes, seconds }: Config['idempotency']): MemoryBounds => ({ maxBytes, ttlMs: seconds * 1000 })
  const idempotent = new ResponseCache({
    store: stores.createAnswerStore(boundsOf(idempotency)),
    seconds: idempotency.seconds,
    maxAnswerBytes: Math.min(idempotency.maxBytes, MAX_IDEMPOTENT_ANSWER_BYTES),
    isPaced: false,
    lock: stores.sharedLimits && lockWith(stores.sharedLimits),
  })
  if (!cache) return { idempotency: idempotent, cache: undefined }
  const { seconds, maxAnswerBytes, replay } = cache
  const responses = new ResponseCache({
    store: stores.createAnswerStore(boundsOf(cache)),
    seconds,
    maxAnswerBytes,
    isPaced: replay === 'paced',
  })
  return { idempotency: idempotent, cache: { responses, rules: cache } }
}
