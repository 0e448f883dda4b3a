import { z } from 'zod'
import { type Choice, type Maybe, type Natural, object, patience, type Strict } from './shapes.js'

/** Where what outlives the process is kept. */
export const store: Strict<{
  redis: Maybe<z.ZodString>
  sql: Maybe<z.ZodString>
  prefix: z.ZodDefault<z.ZodString>
  timeoutMs: Natural
  leaseMs: Natural
}> = object({
  redis: z
    .string()
    .regex(/^rediss?:\/\//, 'not a redis:// address')
    .optional()
    .describe('For limits, cache and health of several processes, and for budgets without `sql`. In code: a client.'),
  sql: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'neither sqlite:FILE nor a postgres:// address')
    .optional()
    .describe('For budgets and usage records. In code: a database handle or pool.'),
  prefix: z.string().default('{modelmount}:').describe('What the names of all keys in Redis begin with.'),
  timeoutMs: patience(500).describe('How long a call waits for a store that does not answer. In ms.'),
  leaseMs: patience(15_000).describe('After so long without a sign of life, what a process held is freed. In ms.'),
})

type Rule = z.ZodDefault<Choice<'allow' | 'refuse'>>

const rule = (fallback: 'allow' | 'refuse'): Rule => z.enum(['allow', 'refuse']).default(fallback)

/** What becomes of calls without it. */
export const onStoreError: Strict<{ limits: Rule; keys: Rule; budget: Rule }> = object({
  limits: rule('allow').describe('`allow`: each process limits for itself meanwhile.'),
  keys: rule('refuse').describe('Without effect as long as keys stand in the config.'),
  budget: rule('refuse').describe('`allow`: what is spent meanwhile is charged when it answers again.'),
})

/** What is kept of calls without a store. */
export const usage: Strict<{ keep: z.ZodDefault<z.ZodInt>; ask: z.ZodDefault<z.ZodBoolean> }> = object({
  ask: z
    .boolean()
    .default(false)
    .describe(
      'Ask for the usage of every stream, also where its caller has not; what comes of it is not passed on. Where limits, budgets or kept records count tokens, that is so in any case.',
    ),
  keep: z
    .int()
    .min(0)
    .default(0)
    .describe('So many usage records are kept in memory, where no `store.sql` keeps them all.'),
})
