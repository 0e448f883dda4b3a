import type { Target } from './call.js'
import { type Config, readConfig } from './config.js'
import { Alarms } from './lib/time.js'
import { consoleLogger, type Hooks, type RelayOptions, silentLogger, splitOptions } from './options.js'
import type { Logger, Plugin } from './plugins.js'
import { Account } from './policies/account.js'
import { Gate } from './policies/authenticate.js'
import type { Means } from './policies/failover.js'
import { Router } from './policies/route.js'
import { Running } from './running.js'
import { Health } from './upstream/health.js'
import { KeptAnswers } from './upstream/kept.js'
import { Paces } from './upstream/pace.js'
import { SignatureMemory } from './upstream/signature-memory.js'
import { Connections } from './upstream/transport.js'
import { readUpstreams } from './upstream/upstreams.js'

/** A relay's parts, made once. */
export interface Parts {
  readonly config: Config
  readonly gate: Gate
  readonly router: Router
  readonly means: Means
  readonly account: Account
  readonly running: Running
  readonly plugins: readonly Plugin[]
  readonly logger: Logger
  /** Undefined unless `responses.store` is on. */
  readonly kept: KeptAnswers | undefined
  readonly countTokens: Hooks['countTokens']
}

/** @throws {ConfigError} */
export function assemble(options: RelayOptions): Parts {
  const { hooks, config: written } = splitOptions(options)
  const config = readConfig(written)
  const logger = hooks.logger === false ? silentLogger : (hooks.logger ?? consoleLogger)
  const plugins = hooks.plugins ?? []
  if (config.keys.length === 0 && !hooks.authenticate) logger.warn({}, 'nobody can call: give `keys` or `authenticate`')
  return {
    config,
    gate: new Gate(config.keys, config.groups, hooks.authenticate),
    router: new Router(config.models, readUpstreams(config, process.env)),
    means: {
      connections: new Connections(hooks.transport),
      alarms: new Alarms(),
      drain: config.onDisconnect === 'drain',
      strict: config.translation === 'strict',
      memory: new SignatureMemory(),
      retry: config.retry,
      health: new Health(config.health),
      paces: new Paces(),
      priceOf: priceBy(config.prices, hooks.priceOf),
    },
    account: new Account(plugins, logger),
    running: new Running(),
    plugins,
    logger,
    kept: config.responses.store ? new KeptAnswers(config.responses) : undefined,
    countTokens: hooks.countTokens,
  }
}

/** What a target costs, as the hook, its full name or its model's name says. Input and output count alike: only the order matters. */
function priceBy(prices: Config['prices'], hook: Hooks['priceOf']): (target: Target) => number | undefined {
  const listed = new Map(Object.entries(prices))
  return ({ name, model }) => {
    const price = listed.get(name) ?? listed.get(model)
    return hook?.(name) ?? (price && price.input + price.output)
  }
}
