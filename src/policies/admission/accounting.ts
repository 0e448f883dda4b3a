import { channel } from 'node:diagnostics_channel'
import type { Call, CallCharge, CallEnd } from '../../call.js'
import { NO_USAGE, type Usage } from '../../chat/usage.js'
import { now } from '../../lib/time.js'
import type { Logger, Plugin } from '../../plugins.js'
import type { UsageRecord, UsageStore } from '../../stores/usage.js'
import type { PriceBook } from './admission.js'
import { type Budgets, isFree } from './budgets.js'
import { inputOf } from './estimate.js'

/** The ways in which a call can end. */
type EndKind =
  | 'answered'
  | 'failedBeforeOutput'
  | 'failedAfterOutput'
  | 'leftBeforeOutput'
  | 'leftAfterOutput'
  | 'hit'
  | 'shared'

/**
 * Whether the caller pays for a call that ended in this way. It pays for the usage that the upstream reported, else for
 * an estimate of what was delivered. Nobody pays for failed attempts.
 */
const IS_CHARGED: Readonly<Record<EndKind, boolean>> = {
  answered: true,
  failedBeforeOutput: false,
  failedAfterOutput: true,
  leftBeforeOutput: false,
  leftAfterOutput: true,
  hit: false,
  shared: false,
}

function endKind({ cacheState }: Call, { outcome, firstOutputMs }: CallEnd): EndKind {
  if (cacheState === 'hit' || cacheState === 'shared') return cacheState
  if (outcome === 'complete') return 'answered'
  const hasOutput = firstOutputMs !== undefined
  if (outcome === 'left') return hasOutput ? 'leftAfterOutput' : 'leftBeforeOutput'
  return hasOutput ? 'failedAfterOutput' : 'failedBeforeOutput'
}

/** The usage that the caller pays for, where the upstream did not report all of it. */
function estimatedUsage(call: Call, { usage, deliveredTokens = 0 }: CallEnd): Usage {
  const input = usage?.input ?? inputOf(call)
  const output = typeof deliveredTokens === 'function' ? deliveredTokens() : deliveredTokens
  return { ...NO_USAGE, ...usage, input, output }
}

/** Publishes every usage record, for subscribers without a plugin. */
const doneChannel = channel('modelmount:done')

export interface AccountingOptions {
  readonly plugins: readonly Plugin[]
  readonly logger: Logger
  readonly prices: PriceBook
  readonly budgets: Budgets
  /** Undefined where the relay stores no records. */
  readonly usage: UsageStore | undefined
}

/** Charges each call once, and writes its usage record. Makes no record where nothing reads it. */
export class Accounting {
  readonly #options: AccountingOptions
  readonly #plugins: readonly Plugin[]
  readonly #logger: Logger

  constructor(options: AccountingOptions) {
    this.#options = options
    this.#plugins = options.plugins.filter((plugin) => plugin.done)
    this.#logger = options.logger
  }

  /** Something reads the usage records. */
  get isWatched(): boolean {
    return this.#options.usage !== undefined || this.#plugins.length > 0 || doneChannel.hasSubscribers
  }

  settle(call: Call, end: CallEnd): void {
    const { isWatched } = this
    const charge = this.#chargeFor(call, end, isWatched)
    call.charge = charge
    const { usage } = charge
    call.lease?.settle({ tokens: usage ? usage.input + usage.output : 0, costNanos: charge.costNanos ?? 0 })
    if (isWatched) this.#publish(createRecord(call, end, charge))
  }

  #chargeFor(call: Call, end: CallEnd, isWatched: boolean): CallCharge {
    const { prices, budgets } = this.#options
    const multiplier = budgets.multiplierOf(call.caller)
    if (!IS_CHARGED[endKind(call, end)] || isFree(call))
      return { usage: undefined, isEstimated: false, costNanos: 0, multiplier }
    const isEstimated = !end.usage || end.deliveredTokens !== undefined
    // Estimating means reading the end of the stream again.
    if (isEstimated && call.facts.stream && !isWatched && !call.lease?.isCounted)
      return { usage: end.usage, isEstimated, costNanos: undefined, multiplier }
    const usage = !end.usage || isEstimated ? estimatedUsage(call, end) : end.usage
    const needsPrice = call.lease?.hasReservation || isWatched
    const pricing = end.target && (needsPrice ? prices.assumedPricing(end.target) : prices.pricingOf(end.target))
    return { usage, isEstimated, costNanos: pricing && Math.round(pricing(usage) * multiplier), multiplier }
  }

  #publish(record: UsageRecord): void {
    this.#options.usage?.write(record)
    doneChannel.publish(record)
    for (const plugin of this.#plugins) {
      const logFailure = (error: unknown): void =>
        this.#logger.error({ error, requestId: record.requestId }, 'a plugin failed in done()')
      try {
        const returned: unknown = plugin.done?.(record)
        if (returned instanceof Promise) returned.catch(logFailure)
      } catch (error) {
        logFailure(error)
      }
    }
  }
}

function createRecord(
  call: Call,
  end: CallEnd,
  { usage = end.usage, isEstimated, costNanos, multiplier }: CallCharge,
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
    costNanos,
    multiplier,
    cache: call.cacheState,
    losses,
    firstOutputMs,
    totalMs: now() - call.startedAt,
    error: error?.code ?? undefined,
  }
}
