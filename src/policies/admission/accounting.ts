import { channel } from 'node:diagnostics_channel'
import type { Call, CallEnd } from '../../call.js'
import type { Usage } from '../../chat/usage.js'
import { now } from '../../lib/time.js'
import type { Logger, Plugin } from '../../plugins.js'
import type { Nanos } from '../../stores/ledger.js'
import type { UsageRecord, UsageStore } from '../../stores/usage.js'
import type { PriceBook } from './admission.js'
import { type Budgets, isFree } from './budgets.js'
import { inputOf } from './estimate.js'

/** What a call has come to. */
export interface CallCharge {
  readonly usage: Usage | undefined
  /** The usage is the relay's own estimate, at least in part. */
  readonly isEstimated: boolean
  /** What it is charged, the multiplier applied; undefined where nobody wanted to know, and no price was at hand. */
  readonly nanos: Nanos | undefined
  readonly multiplier: number
}

/** The ways in which a call can end. */
type EndKind = 'answered' | 'failedBefore' | 'failedAfter' | 'leftBefore' | 'leftAfter' | 'hit' | 'shared'

/**
 * What is charged for each of them: the usage, as the upstream told it or else estimated from what was delivered; or
 * nothing. Attempts that came to nothing are no part of it: their usage is nobody's.
 */
const CHARGED: Readonly<Record<EndKind, boolean>> = {
  answered: true,
  failedBefore: false,
  failedAfter: true,
  leftBefore: false,
  leftAfter: true,
  hit: false,
  shared: false,
}

function wayOf({ cacheState }: Call, { outcome, firstOutputMs }: CallEnd): EndKind {
  if (cacheState === 'hit' || cacheState === 'shared') return cacheState
  if (outcome === 'complete') return 'answered'
  const after = firstOutputMs !== undefined
  if (outcome === 'left') return after ? 'leftAfter' : 'leftBefore'
  return after ? 'failedAfter' : 'failedBefore'
}

/** The usage that a call is charged for; undefined for none. */
function chargedUsage(call: Call, end: CallEnd): { usage: Usage; isEstimated: boolean } | undefined {
  if (!CHARGED[wayOf(call, end)] || isFree(call)) return undefined
  const { usage, deliveredTokens } = end
  if (usage && deliveredTokens === undefined) return { usage, isEstimated: false }
  const input = usage?.input ?? inputOf(call)
  const nothing = { cachedInput: 0, cacheWriteInput: 0, reasoning: 0 }
  return { usage: { ...nothing, ...usage, input, output: deliveredTokens ?? 0 }, isEstimated: true }
}

/** Subscribe with `node:diagnostics_channel` to see every usage record without a plugin. */
const done = channel('modelmount:done')

/** What the books are kept with. */
export interface AccountingOptions {
  readonly plugins: readonly Plugin[]
  readonly logger: Logger
  readonly prices: PriceBook
  readonly budgets: Budgets
  /** Undefined where no records are kept. */
  readonly usage: UsageStore | undefined
}

/** Keeps the books: charges each call once, and makes a record of it for whoever wants one. When nobody does, none is made. */
export class Accounting {
  readonly #means: AccountingOptions
  readonly #plugins: readonly Plugin[]
  readonly #logger: Logger

  constructor(means: AccountingOptions) {
    this.#means = means
    this.#plugins = means.plugins.filter((plugin) => plugin.done)
    this.#logger = means.logger
  }

  /** Somebody wants to know of every call. */
  get isWatched(): boolean {
    return this.#means.usage !== undefined || this.#plugins.length > 0 || done.hasSubscribers
  }

  settle(call: Call, end: CallEnd): void {
    const bill = this.#billOf(call, end)
    call.charge = bill
    const { usage } = bill
    call.lease?.settle({ tokens: usage ? usage.input + usage.output : 0, nanos: bill.nanos ?? 0 })
    if (this.isWatched) this.#record(recordOf(call, end, bill))
  }

  #billOf(call: Call, end: CallEnd): CallCharge {
    const { prices, budgets } = this.#means
    const multiplier = budgets.multiplierOf(call.caller)
    const charged = chargedUsage(call, end)
    if (!charged) return { usage: undefined, isEstimated: false, nanos: 0, multiplier }
    const { usage } = charged
    const counts = call.lease?.isPaid || this.isWatched
    const pricing = end.target && (counts ? prices.assumed(end.target) : prices.of(end.target))
    return { ...charged, nanos: pricing && Math.round(pricing(usage) * multiplier), multiplier }
  }

  #record(record: UsageRecord): void {
    this.#means.usage?.write(record)
    done.publish(record)
    for (const plugin of this.#plugins) {
      const failed = (error: unknown): void =>
        this.#logger.error({ error, requestId: record.requestId }, 'a plugin failed in done()')
      try {
        const after: unknown = plugin.done?.(record)
        if (after instanceof Promise) after.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

function recordOf(
  call: Call,
  end: CallEnd,
  { usage = end.usage, isEstimated, nanos, multiplier }: CallCharge,
): UsageRecord {
  const { outcome, status, target, servedBy, losses = [], firstOutputMs, error } = end
  const { id: callerId, group } = call.caller
  return {
    requestId: call.id,
    time: new Date(),
    callerId,
    // A host's code may say null.
    group: group ?? 'default',
    tags: call.tags,
    operation: call.operation,
    protocol: call.protocol.id,
    model: call.facts.model,
    stream: call.facts.stream,
    target: target?.name ?? servedBy,
    attempts: call.attempts,
    status,
    outcome,
    inputTokens: usage?.input,
    cachedInputTokens: usage?.cachedInput,
    outputTokens: usage?.output,
    reasoningTokens: usage?.reasoning,
    estimated: isEstimated,
    costNanos: nanos,
    multiplier,
    cache: call.cacheState,
    losses,
    firstOutputMs,
    totalMs: now() - call.startedAt,
    error: error?.code ?? undefined,
  }
}
