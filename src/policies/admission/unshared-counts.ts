import type { Config } from '../../config/config.js'
import { isObject } from '../../lib/values.js'
import type { Logger } from '../../plugins.js'

interface CountOptions {
  readonly config: Pick<Config, 'limits' | 'groups' | 'keys'>
  /** The host's callers may have limits and budgets that the config does not show. */
  readonly hasHostCallers: boolean
  readonly hasRedis: boolean
  readonly hasSql: boolean
}

/**
 * Warns that the workers of a cluster do not share limits or budgets. Each worker would enforce them for itself, so
 * callers would get a multiple of them.
 */
export function warnOfUnsharedCounts(options: CountOptions, logger: Logger): void {
  const { config, hasHostCallers, hasRedis, hasSql } = options
  if (hasRedis) return
  const callersAndGroups = [...config.keys, ...Object.values(config.groups)]
  const unshared = [
    ...(hasHostCallers || hasNumber(config.limits) || callersAndGroups.some(hasLimits) ? ['limits'] : []),
    ...(!hasSql && (hasHostCallers || callersAndGroups.some(({ budget }) => budget)) ? ['budgets'] : []),
  ]
  if (unshared.length === 0) return
  const stores = unshared.includes('limits') ? '`store.redis`' : '`store.redis` or `store.sql`'
  logger.warn(
    {},
    `each worker of the cluster counts ${unshared.join(' and ')} for itself, so callers get them once per worker: set ${stores}`,
  )
}

function hasLimits(holder: Config['keys'][number] | Config['groups'][string]): boolean {
  return hasNumber(holder.limits) || ('keyLimits' in holder && hasNumber(holder.keyLimits))
}

/** Whether any kind of limit is set, at any depth. */
function hasNumber(limits: unknown): boolean {
  return typeof limits === 'number' || (isObject(limits) && Object.values(limits).some(hasNumber))
}
