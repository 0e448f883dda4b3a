import { z } from 'zod'
import { type IntegerWithDefault, type OneOf, object, positive, type StrictObject } from './schema-helpers.js'

const MEBIBYTE = 1_048_576

export const cacheSchema: StrictObject<{
  seconds: IntegerWithDefault
  maxBytes: IntegerWithDefault
  maxAnswerBytes: IntegerWithDefault
  temperature: z.ZodDefault<OneOf<'zero' | 'any'>>
  tools: z.ZodDefault<z.ZodBoolean>
  replay: z.ZodDefault<OneOf<'at-once' | 'paced'>>
}> = object({
  seconds: positive(300).describe('How long the cache keeps an answer, in seconds.'),
  maxBytes: positive(64 * MEBIBYTE).describe(
    'Maximum size of the cache in memory, in bytes. Default: 64 MiB. The least recently used answers go first.',
  ),
  maxAnswerBytes: positive(4 * MEBIBYTE).describe(
    'The cache does not keep an answer larger than this, in bytes. Default: 4 MiB.',
  ),
  temperature: z
    .enum(['zero', 'any'])
    .default('zero')
    .describe(
      '`zero` caches only requests with `temperature: 0`. `any` caches requests at every temperature, so equal requests get equal answers.',
    ),
  tools: z.boolean().default(true).describe('Also cache requests that have tools.'),
  replay: z
    .enum(['at-once', 'paced'])
    .default('at-once')
    .describe(
      'How a cached stream is sent. `at-once` sends it as fast as the client reads. `paced` repeats its original pace, with pauses of at most one second.',
    ),
})

export const idempotencySchema: StrictObject<{ seconds: IntegerWithDefault; maxBytes: IntegerWithDefault }> = object({
  seconds: positive(86_400).describe(
    'How long the relay keeps an answer for its `idempotency-key`, in seconds. Default: one day.',
  ),
  maxBytes: positive(32 * MEBIBYTE).describe(
    'Maximum size of these answers in memory, in bytes. Default: 32 MiB. The least recently used answers go first.',
  ),
})
