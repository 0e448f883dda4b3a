import type { Caller } from '../../caller.js'
import type { Strategy } from '../../config/config.js'
import type { Authenticator } from '../access/authenticator.js'
import type { Health } from '../failover/health.js'
import type { Router } from './router.js'

/** What the relay would do with a model name, and why. Holds no secret. */
export interface Explanation {
  readonly model: string
  /** Whether the caller may use it; true when no caller was named. */
  readonly allowed: boolean
  /** The row of `models` that decides it; undefined if none does. */
  readonly rule: string | undefined
  readonly strategy: Strategy | undefined
  readonly targets: readonly ExplainedTarget[]
  /** `provider/model` for what is too long, or filtered, at all of these. */
  readonly onContextTooLong: readonly string[]
  readonly onContentFilter: readonly string[]
}

/** One target of a model name, and how it has been doing. */
export interface ExplainedTarget {
  /** `provider/model`. */
  readonly target: string
  readonly weight: number
  /** Base URLs in the order they are tried. */
  readonly baseURLs: readonly string[]
  /** `restMs`: how long until one of its channels may be tried, 0 for now. */
  readonly credentials: readonly { readonly name: string; readonly restMs: number }[]
  /** Calls under way. */
  readonly busy: number
  /** Moving average in ms; 0 when it has not answered yet. */
  readonly firstOutputMs: number
}

/** What decides, gathered. */
interface Deciding {
  readonly router: Router
  readonly authenticator: Authenticator
  readonly health: Health
}

/** Only looks: nothing is counted, and no probe is spent. */
export function explain(
  { router, authenticator, health }: Deciding,
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
      credentials: upstream.credentials.map((credential) => ({
        name: credential.name,
        restMs: Math.ceil(
          Math.min(
            ...channels.filter((channel) => channel.credential === credential).map((one) => health.cooldownMs(one)),
          ),
        ),
      })),
      busy,
      firstOutputMs,
    })),
    onContextTooLong: (plan?.onContextTooLong ?? []).map(({ name }) => name),
    onContentFilter: (plan?.onContentFilter ?? []).map(({ name }) => name),
  }
}
