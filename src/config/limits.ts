import { z } from 'zod'
import { type Choice, type Maybe, object, type Strict } from './shapes.js'

/** What may be used. */
export const limits: Strict<{ rpm: Maybe<z.ZodInt>; tpm: Maybe<z.ZodInt>; concurrency: Maybe<z.ZodInt> }> = object({
  rpm: z.int().min(1).optional().describe('Requests a minute: so many at once, and then as they are refilled, evenly.'),
  tpm: z.int().min(1).optional().describe('Tokens a minute, read and written, likewise.'),
  concurrency: z.int().min(1).optional().describe('Calls at a time, each until its last byte.'),
})

const byModel: z.ZodRecord<z.ZodString, typeof limits> = z.record(z.string().min(1), limits)

/** The same for one caller, and for single models besides. */
export const keyLimits: Strict<(typeof limits)['shape'] & { models: Maybe<typeof byModel> }> = object({
  ...limits.shape,
  models: byModel
    .optional()
    .describe('For what it asks of single models: public names, `*` for any run of characters. The first that fits.'),
})

/** The same for every caller, and for all of them together. */
export const relayLimits: Strict<(typeof keyLimits)['shape'] & { relay: Maybe<typeof limits> }> = object({
  ...keyLimits.shape,
  relay: limits.optional().describe('Of all callers together.'),
})

/** Every span of time that a budget may be for. */
export const spans = ['total', 'day', 'week', 'month'] as const

export type Span = (typeof spans)[number]

/** Nano-dollars are counted as whole numbers, exact up to here. */
const MOST_USD = 9_000_000

/** What may be spent. */
export const budget: Strict<{ usd: z.ZodNumber; per: z.ZodDefault<Choice<Span>> }> = object({
  usd: z.number().min(0).max(MOST_USD).describe('US dollars.'),
  per: z
    .enum(spans)
    .default('total')
    .describe('`total`: once and for all; else anew each day, week (from Monday) or month, in UTC.'),
})
