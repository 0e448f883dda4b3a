import { Prices } from './catalog/prices.js'
import { type Config, readConfig } from './config.js'
import { codeOf } from './lib/codes.js'
import { Alarms } from './lib/time.js'
import { consoleLogger, type Handles, type Hooks, type RelayOptions, silentLogger, splitOptions } from './options.js'
import type { Logger, Plugin } from './plugins.js'
import { Account } from './policies/account.js'
import { Admission } from './policies/admit.js'
import { Gate } from './policies/authenticate.js'
import { Budgets } from './policies/budget.js'
import { Cache, type Shelves } from './policies/cache.js'
import { Cors } from './policies/cors.js'
import type { Means } from './policies/failover.js'
import { Forwards } from './policies/forward.js'
import { Groups } from './policies/groups.js'
import { Limiter } from './policies/limit.js'
import { Router } from './policies/route.js'
import { claimBy, Shelf } from './policies/shelf.js'
import { Running } from './running.js'
import { Sockets } from './sockets.js'
import { type Backing, type BackingOptions, openBacking } from './stores/backing.js'
import type { Bounds } from './stores/memory.js'
import { Uploads } from './uploads.js'
import { Health } from './upstream/health.js'
import { KeptAnswers } from './upstream/kept.js'
import { ModelLists } from './upstream/model-lists.js'
import { Paces } from './upstream/pace.js'
import { SignatureMemory } from './upstream/signature-memory.js'
import { Connections } from './upstream/transport.js'
import { readUpstreams } from './upstream/upstreams.js'

/** A relay's parts, made once. */
export interface Parts {
  readonly config: Config
  readonly cors: Cors
  readonly gate: Gate
  readonly router: Router
  readonly forwards: Forwards
  readonly means: Means
  readonly prices: Prices
  readonly admission: Admission
  readonly cache: Cache
  readonly budgets: Budgets
  readonly backing: Backing
  readonly account: Account
  /** Every stream is asked for its usage, not only those whose tokens or money are counted. */
  readonly isMetered: boolean
  readonly running: Running
  readonly sockets: Sockets
  readonly uploads: Uploads
  readonly plugins: readonly Plugin[]
  /** One of them wants to see calls before they are sent. */
  readonly isPlugged: boolean
  readonly logger: Logger
  /** Undefined unless `responses.store` is on. */
  readonly kept: KeptAnswers | undefined
  readonly countTokens: Hooks['countTokens']
  readonly lists: ModelLists
}

/** @throws {ConfigError} */
export function assemble(options: RelayOptions): Parts {
  const { hooks, handles, config: written } = splitOptions(options)
  const config = readConfig(written)
  const logger = hooks.logger === false ? silentLogger : (hooks.logger ?? consoleLogger)
  const plugins = hooks.plugins ?? []
  if (config.keys.length === 0 && !hooks.authenticate) logger.warn({}, 'nobody can call: give `keys` or `authenticate`')
  const upstreams = readUpstreams(config, process.env)
  const alarms = new Alarms()
  const groups = new Groups(config.groups)
  const budgets = new Budgets(groups)
  const backing = openBacking(backingOptions({ config, handles, alarms, logger }))
  const router = new Router(config.models, upstreams)
  const connections = new Connections(hooks.transport, hooks.sign)
  const prices = new Prices({ priceOf: hooks.priceOf, prices: config.prices, unpriced: config.unpriced, logger })
  return {
    // Their secrets and texts are not kept beside what the gate has made of them: a hundred thousand keys weigh tens of MB.
    config: { ...config, keys: [] },
    cors: new Cors(config.cors),
    gate: new Gate(config.keys, groups, hooks.authenticate),
    router,
    forwards: new Forwards(config.forward, upstreams),
    means: {
      connections,
      alarms,
      drain: config.onDisconnect === 'drain',
      strict: config.translation === 'strict',
      memory: new SignatureMemory(),
      retry: config.retry,
      health: new Health(config.health, backing.rests),
      paces: new Paces(),
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
    cache: new Cache(shelvesOf(config, backing)),
    budgets,
    backing,
    account: new Account({ plugins, logger, prices, budgets, usage: backing.usage }),
    isMetered: config.usage.ask || backing.usage !== undefined,
    running: new Running(),
    sockets: new Sockets(alarms, config.sockets),
    uploads: new Uploads(config.maxUploadBytes, config.maxBodyBytes),
    plugins,
    isPlugged: plugins.some((plugin) => plugin.admitted),
    logger,
    kept: config.responses.store ? new KeptAnswers(config.responses) : undefined,
    countTokens: hooks.countTokens,
    lists: new ModelLists(upstreams.values(), {
      connections,
      alarms,
      logger,
      learn: (upstream, names) => router.learn(upstream, names),
    }),
  }
}

interface Given {
  readonly config: Config
  readonly handles: Handles
  readonly alarms: Alarms
  readonly logger: Logger
}

function backingOptions({ config: { store, onStoreError, usage }, handles, alarms, logger }: Given): BackingOptions {
  return {
    redis: handles.redis ?? store.redis,
    sql: handles.sql ?? store.sql,
    prefix: store.prefix,
    timeoutMs: store.timeoutMs,
    leaseMs: store.leaseMs,
    onLimitsError: onStoreError.limits,
    onBudgetError: onStoreError.budget,
    usageRecords: usage.keep,
    alarms,
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

function shelvesOf({ cache, idempotency }: Config, backing: Backing): Shelves {
  const bounds = ({ maxBytes, seconds }: Config['idempotency']): Bounds => ({ maxBytes, ms: seconds * 1000 })
  const kept = new Shelf({
    store: backing.answers(bounds(idempotency)),
    seconds: idempotency.seconds,
    maxAnswerBytes: Math.min(idempotency.maxBytes, LONGEST_KEPT),
    isPaced: false,
    claim: backing.shared && claimBy(backing.shared),
  })
  if (!cache) return { idempotency: kept, cache: undefined }
  const { seconds, maxAnswerBytes, replay } = cache
  const shelf = new Shelf({
    store: backing.answers(bounds(cache)),
    seconds,
    maxAnswerBytes,
    isPaced: replay === 'paced',
  })
  return { idempotency: kept, cache: { shelf, policy: cache } }
}
