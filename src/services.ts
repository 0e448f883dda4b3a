import { Prices } from './catalog/prices.js'
import { type Config, readConfig } from './config/config.js'
import { codeOf } from './lib/codes.js'
import { DeadlineTimer } from './lib/time.js'
import { consoleLogger, type Handles, type Hooks, type RelayOptions, silentLogger, splitOptions } from './options.js'
import type { Logger, Plugin } from './plugins.js'
import { Authenticator } from './policies/access/authenticator.js'
import { Cors } from './policies/access/cors.js'
import { Groups } from './policies/access/groups.js'
import { Accounting } from './policies/admission/accounting.js'
import { Admission } from './policies/admission/admission.js'
import { Budgets } from './policies/admission/budgets.js'
import { Limiter } from './policies/admission/limiter.js'
import { CachePolicy, type ResponseCaches } from './policies/cache/cache-policy.js'
import { lockBy, ResponseCache } from './policies/cache/response-cache.js'
import type { Means } from './policies/failover/failover.js'
import { Health } from './policies/failover/health.js'
import { ForwardRoutes } from './policies/routing/forward-routes.js'
import { Router } from './policies/routing/router.js'
import { ActiveCalls } from './requests/active-calls.js'
import { OpenSockets } from './requests/open-sockets.js'
import { UploadMemory } from './requests/upload-memory.js'
import type { Bounds } from './stores/memory.js'
import { openStores, type Stores, type StoresOptions } from './stores/stores.js'
import { ConnectionPools } from './upstream/connection/connection-pools.js'
import { Pacing } from './upstream/connection/pacing.js'
import { createUpstreams } from './upstream/providers/create-upstreams.js'
import { ModelLists } from './upstream/providers/model-lists.js'
import { SignatureMemory } from './upstream/transcode/signature-memory.js'
import { StoredResponses } from './upstream/transcode/stored-responses.js'

/** A relay's parts, made once. */
export interface Services {
  readonly config: Config
  readonly cors: Cors
  readonly authenticator: Authenticator
  readonly router: Router
  readonly forwardRoutes: ForwardRoutes
  readonly means: Means
  readonly prices: Prices
  readonly admission: Admission
  readonly cache: CachePolicy
  readonly budgets: Budgets
  readonly stores: Stores
  readonly accounting: Accounting
  /** Every stream is asked for its usage, not only those whose tokens or money are counted. */
  readonly alwaysNeedsUsage: boolean
  readonly activeCalls: ActiveCalls
  readonly sockets: OpenSockets
  readonly uploadMemory: UploadMemory
  readonly plugins: readonly Plugin[]
  /** One of them wants to see calls before they are sent. */
  readonly hasAdmissionPlugins: boolean
  readonly logger: Logger
  /** Undefined unless `responses.store` is on. */
  readonly storedResponses: StoredResponses | undefined
  readonly countTokens: Hooks['countTokens']
  readonly modelLists: ModelLists
}

/** @throws {ConfigError} */
export function createServices(options: RelayOptions): Services {
  const { hooks, handles, config: written } = splitOptions(options)
  const config = readConfig(written)
  const logger = hooks.logger === false ? silentLogger : (hooks.logger ?? consoleLogger)
  const plugins = hooks.plugins ?? []
  if (config.keys.length === 0 && !hooks.authenticate) logger.warn({}, 'nobody can call: give `keys` or `authenticate`')
  const upstreams = createUpstreams(config, process.env)
  const deadlineTimer = new DeadlineTimer()
  const groups = new Groups(config.groups)
  const budgets = new Budgets(groups)
  const backing = openStores(backingOptions({ config, handles, deadlineTimer, logger }))
  const router = new Router(config.models, upstreams)
  const connections = new ConnectionPools(hooks.transport, hooks.sign)
  const prices = new Prices({ priceOf: hooks.priceOf, prices: config.prices, unpriced: config.unpriced, logger })
  return {
    // Their secrets and texts are not kept beside what the gate has made of them: a hundred thousand keys weigh tens of MB.
    config: { ...config, keys: [] },
    cors: new Cors(config.cors),
    authenticator: new Authenticator(config.keys, groups, hooks.authenticate),
    router,
    forwardRoutes: new ForwardRoutes(config.forward, upstreams),
    means: {
      connections,
      deadlineTimer,
      drain: config.onDisconnect === 'drain',
      strict: config.translation === 'strict',
      memory: new SignatureMemory(),
      retry: config.retry,
      health: new Health(config.health, backing.cooldowns),
      paces: new Pacing(),
      priceOf: (target) => prices.ordering(target),
    },
    prices,
    admission: new Admission({
      limiter: new Limiter(config.limits, groups),
      limits: backing.limits,
      budgets,
      ledger: backing.ledger,
      prices,
      assumedOutputTokens: config.assumedOutputTokens,
    }),
    cache: new CachePolicy(shelvesOf(config, backing)),
    budgets,
    stores: backing,
    accounting: new Accounting({ plugins, logger, prices, budgets, usage: backing.usage }),
    alwaysNeedsUsage: config.usage.ask || backing.usage !== undefined,
    activeCalls: new ActiveCalls(),
    sockets: new OpenSockets(deadlineTimer, config.sockets),
    uploadMemory: new UploadMemory(config.maxUploadBytes, config.maxBodyBytes),
    plugins,
    hasAdmissionPlugins: plugins.some((plugin) => plugin.admitted),
    logger,
    storedResponses: config.responses.store ? new StoredResponses(config.responses) : undefined,
    countTokens: hooks.countTokens,
    modelLists: new ModelLists(upstreams.values(), {
      connections,
      deadlineTimer,
      logger,
      learn: (upstream, names) => router.addDiscovered(upstream, names),
    }),
  }
}

interface Given {
  readonly config: Config
  readonly handles: Handles
  readonly deadlineTimer: DeadlineTimer
  readonly logger: Logger
}

function backingOptions({
  config: { store, onStoreError, usage },
  handles,
  deadlineTimer,
  logger,
}: Given): StoresOptions {
  return {
    redis: handles.redis ?? store.redis,
    sql: handles.sql ?? store.sql,
    prefix: store.prefix,
    timeoutMs: store.timeoutMs,
    leaseMs: store.leaseMs,
    onLimitsError: onStoreError.limits,
    onBudgetError: onStoreError.budget,
    usageRecords: usage.keep,
    deadlineTimer,
    listener: (name) => ({
      began: (error) => logger.warn({ store: name, reason: reasonOf(error) }, 'a store does not answer'),
      failed: (error) => logger.warn({ store: name, reason: reasonOf(error) }, 'an answer could not be kept'),
      ended: (missed) => logger.info({ store: name, missed }, 'a store answers again'),
    }),
    onTrouble: ({ error, lost }) =>
      lost > 0
        ? logger.error({ store: 'sql', reason: reasonOf(error), lost }, 'usage records and settlements were given up')
        : logger.warn({ store: 'sql', reason: reasonOf(error) }, 'a write to a store has failed, and is tried again'),
  }
}

/** Drivers hang on an error what they were about to send: passwords, callers' answers. Its text is all that a log may have. */
function reasonOf(error: unknown): string {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : String(error)
  return code === '' || text.includes(code) ? text : `${code}: ${text}`
}

/** A longer answer is not kept for an idempotency key. */
const LONGEST_KEPT = 4 * 1024 * 1024

function shelvesOf({ cache, idempotency }: Config, backing: Stores): ResponseCaches {
  const bounds = ({ maxBytes, seconds }: Config['idempotency']): Bounds => ({ maxBytes, ms: seconds * 1000 })
  const kept = new ResponseCache({
    store: backing.answers(bounds(idempotency)),
    seconds: idempotency.seconds,
    maxAnswerBytes: Math.min(idempotency.maxBytes, LONGEST_KEPT),
    isPaced: false,
    lock: backing.shared && lockBy(backing.shared),
  })
  if (!cache) return { idempotency: kept, cache: undefined }
  const { seconds, maxAnswerBytes, replay } = cache
  const shelf = new ResponseCache({
    store: backing.answers(bounds(cache)),
    seconds,
    maxAnswerBytes,
    isPaced: replay === 'paced',
  })
  return { idempotency: kept, cache: { shelf, policy: cache } }
}
