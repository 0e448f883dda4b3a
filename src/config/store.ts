import { z } from 'zod'
import {
  type IntegerWithDefault,
  nonNegative,
  type OneOf,
  type Optional,
  object,
  positive,
  type StrictObject,
} from './schema-helpers.js'

export const storeSchema: StrictObject<{
  redis: Optional<z.ZodString>
  sql: Optional<z.ZodString>
  prefix: z.ZodDefault<z.ZodString>
  timeoutMs: IntegerWithDefault
  leaseMs: IntegerWithDefault
}> = object({
  redis: z
    .string()
    .regex(/^rediss?:\/\//, 'not a Redis URL, such as redis://127.0.0.1:6379')
    .optional()
    .describe(
      'Redis URL. Redis keeps limits, cache and cooldowns, and budgets too if there is no `sql`. In code also a connected client.',
    ),
  sql: z
    .string()
    .regex(/^(sqlite:|postgres(ql)?:\/\/)/, 'not a database address: expected sqlite:FILE or postgres://…')
    .optional()
    .describe(
      '`sqlite:FILE` or a `postgres://` URL. The database keeps budgets and usage records. In code also a database handle or pool.',
    ),
  prefix: z.string().default('{modelmount}:').describe('Prefix of all keys in Redis.'),
  timeoutMs: positive(500).describe('Maximum time that a call waits for a store, in milliseconds.'),
  leaseMs: positive(15_000).describe(
    'If a process gives no sign of life for this long, in milliseconds, the store frees the concurrency slots and the money that it has reserved.',
  ),
})

type OutageRule = z.ZodDefault<OneOf<'allow' | 'refuse'>>

const outageRule = (defaultValue: 'allow' | 'refuse'): OutageRule => z.enum(['allow', 'refuse']).default(defaultValue)

export const onStoreErrorSchema: StrictObject<{ limits: OutageRule; keys: OutageRule; budget: OutageRule }> = object({
  limits: outageRule('allow').describe('With `allow`, each process meanwhile enforces the limits for itself.'),
  keys: outageRule('refuse').describe('Has no effect yet, because all keys are in the config.'),
  budget: outageRule('refuse').describe(
    'With `allow`, the relay charges what is spent meanwhile when the store answers again.',
  ),
})

export const usageSchema: StrictObject<{ keep: IntegerWithDefault; ask: z.ZodDefault<z.ZodBoolean> }> = object({
  ask: z
    .boolean()
    .default(false)
    .describe(
      'Request the usage of every stream, even if the client did not request it. Such a client does not receive it. With `tpm` limits, budgets or kept records the relay does so in any case.',
    ),
  keep: nonNegative(0).describe(
    'How many usage records the relay keeps in memory. With `store.sql` the database keeps all of them.',
  ),
})
