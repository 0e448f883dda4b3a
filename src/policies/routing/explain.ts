import type { Caller } from '../../caller.js'
import type { Strategy } from '../../config/config.js'
import type { Authenticator } from '../access/authenticator.js'
import type { Health } from '../failover/health.js'
import type { Router } from './router.js'

/** Where a model name leads, and why. Holds no secret. */
export interface Explanation {
  readonly model: string
  /** Whether the caller may use it; true when no caller was given. */
  readonly allowed: boolean
  /** The row of `models` that matches; undefined if none does. */
  readonly rule: string | undefined
  readonly strategy: Strategy | undefined
  readonly targets: readonly ExplainedTarget[]
  /** `provider/model`: targets after a context or filter error of all the above. */
  readonly onContextTooLong: readonly string[]
  readonly onContentFilter: readonly string[]
}

/** One target of a model name, with its load, latency and cooldowns. */
export interface ExplainedTarget {
  /** `provider/model`. */
  readonly target: string
  readonly weight: number
  /** In the order in which failover tries them. */
  readonly baseURLs: readonly string[]
  /** `cooldownMs`: time until one of the credential's channels may be tried; 0 for now. */
  readonly credentials: readonly { readonly name: string; readonly cooldownMs: number }[]
  /** Number of attempts in progress. */
  readonly busy: number
  /** Moving average in ms; 0 before the first answer. */
  readonly firstOutputMs: number
}

export interface ExplainServices {
  readonly router: Router
  readonly authenticator: Authenticator
  readonly health: Health
}

/** Explains a model name. Sends nothing, counts nothing and starts no probe. */
export function explain(
  { router, authenticator, health }: ExplainServices,
  model: string,
  caller: Caller | undefined,
): Explanation {
  const plan = router.find(model)
  return {
    model,
    allowed: caller === undefined || authenticator.mayUse(caller, model),
    rule: plan?.rule,
    strategy: plan?.strategy,
    targets: (plan?.targets ?? []).map(({ name, upstream, weight, channels, busy, firstOutputMs }) => ({
      target: name,
      weight,
      baseURLs: upstream.baseUrls.map(({ origin, pathPrefix }) => origin + pathPrefix),
      credentials: upstream.credentials.map((credential) => {
        const own = channels.filter((channel) => channel.credential === credential)
        const cooldowns = own.map((channel) => health.cooldownMs(channel))
        return { name: credential.name, cooldownMs: Math.ceil(Math.min(...cooldowns)) }
      }),
      busy,
      firstOutputMs,
    })),
    onContextTooLong: (plan?.onContextTooLong ?? []).map(({ name }) => name),
    onContentFilter: (plan?.onContentFilter ?? []).map(({ name }) => name),
  }
}
