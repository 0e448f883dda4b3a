import { channel } from 'node:diagnostics_channel'
import type { Attempt, Call, End, Outcome } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { now } from '../lib/time.js'
import type { Logger, Plugin } from '../plugins.js'

/** One per call, whatever its end. */
export interface UsageRecord {
  readonly requestId: string
  /** When it ended. */
  readonly time: Date
  readonly callerId: string
  readonly group: string
  readonly operation: string
  readonly protocol: string
  /** The public name that was asked for. */
  readonly model: string
  readonly stream: boolean
  /** `provider/model` that answered. */
  readonly target: string | undefined
  readonly attempts: readonly Attempt[]
  /** What the client was told. */
  readonly status: number
  readonly outcome: Outcome
  /** Tokens as the upstream counted them; undefined when it did not say. */
  readonly inputTokens: number | undefined
  readonly cachedInputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly reasoningTokens: number | undefined
  /** What a translation had to leave out, as `x-modelmount-losses` tells it; in streams also what came later. */
  readonly losses: readonly Loss[]
  readonly firstOutputMs: number | undefined
  readonly totalMs: number
  /** The code of the error that ended it. */
  readonly error: string | undefined
}

/** Subscribe with `node:diagnostics_channel` to see every usage record without a plugin. */
const done = channel('modelmount:done')

/** Keeps the books: a record for each call, for whoever wants them. When nobody does, none is made. */
export class Account {
  readonly #plugins: readonly Plugin[]
  readonly #logger: Logger

  constructor(plugins: readonly Plugin[], logger: Logger) {
    this.#plugins = plugins.filter((plugin) => plugin.done)
    this.#logger = logger
  }

  settle(call: Call, end: End): void {
    if (this.#plugins.length === 0 && !done.hasSubscribers) return
    const record = recordOf(call, end)
    done.publish(record)
    for (const plugin of this.#plugins) {
      const failed = (error: unknown): void =>
        this.#logger.error({ error, requestId: call.id }, 'a plugin failed in done()')
      try {
        const after: unknown = plugin.done?.(record)
        if (after instanceof Promise) after.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

function recordOf(call: Call, { outcome, status, target, usage, losses = [], firstOutputMs, error }: End): UsageRecord {
  const { id: callerId, group = 'default' } = call.caller
  return {
    requestId: call.id,
    time: new Date(),
    callerId,
    group,
    operation: call.operation,
    protocol: call.protocol.id,
    model: call.facts.model,
    stream: call.facts.stream,
    target: target?.name,
    attempts: call.attempts,
    status,
    outcome,
    inputTokens: usage?.input,
    cachedInputTokens: usage?.cachedInput,
    outputTokens: usage?.output,
    reasoningTokens: usage?.reasoning,
    losses,
    firstOutputMs,
    totalMs: now() - call.startedAt,
    error: error?.code ?? undefined,
  }
}
