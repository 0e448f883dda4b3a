import { z } from 'zod'
import { type OneOf, type Optional, object, type StrictObject } from './schema-helpers.js'

export const limitsSchema: StrictObject<{
  rpm: Optional<z.ZodInt>
  tpm: Optional<z.ZodInt>
  concurrency: Optional<z.ZodInt>
}> = object({
  rpm: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Requests per minute. A token bucket of this size that refills evenly over the minute. Default: no limit.',
    ),
  tpm: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Tokens per minute, input and output together. A token bucket of this size that refills evenly over the minute. Default: no limit.',
    ),
  concurrency: z
    .int()
    .min(1)
    .optional()
    .describe('Calls at the same time. A call counts until the last byte of its answer. Default: no limit.'),
})

const modelLimitsSchema: z.ZodRecord<z.ZodString, typeof limitsSchema> = z.record(z.string().min(1), limitsSchema)

/** The limits of one caller: in all, and for single models. */
export const callerLimitsSchema: StrictObject<
  (typeof limitsSchema)['shape'] & { models: Optional<typeof modelLimitsSchema> }
> = object({
  ...limitsSchema.shape,
  models: modelLimitsSchema
    .optional()
    .describe(
      'Further limits per model, by public model name. `*` matches any characters. The first name that matches applies.',
    ),
})

/** The top-level limits: the default for each caller, and limits for all callers together. */
export const relayLimitsSchema: StrictObject<
  (typeof callerLimitsSchema)['shape'] & { relay: Optional<typeof limitsSchema> }
> = object({
  ...callerLimitsSchema.shape,
  relay: limitsSchema.optional().describe('Limits for all callers together.'),
})

export const budgetPeriods = ['total', 'day', 'week', 'month'] as const

export type BudgetPeriod = (typeof budgetPeriods)[number]

/** Beyond this, nano-dollars are no longer exact integers. */
const MAX_USD = 9_000_000

export const budgetSchema: StrictObject<{ usd: z.ZodNumber; per: z.ZodDefault<OneOf<BudgetPeriod>> }> = object({
  usd: z.number().min(0).max(MAX_USD).describe('The budget in US dollars.'),
  per: z
    .enum(budgetPeriods)
    .default('total')
    .describe('The period of the budget, in UTC. A `week` begins on Monday. `total` never starts again.'),
})
