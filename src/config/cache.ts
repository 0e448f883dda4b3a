import { z } from 'zod'
import { type Choice, type Natural, object, type Strict } from './shapes.js'

const MEGABYTE = 1_048_576

/** What is answered from memory. */
export const cache: Strict<{
  seconds: Natural
  maxBytes: Natural
  maxAnswerBytes: Natural
  temperature: z.ZodDefault<Choice<'zero' | 'any'>>
  tools: z.ZodDefault<z.ZodBoolean>
  replay: z.ZodDefault<Choice<'at-once' | 'paced'>>
}> = object({
  seconds: z.int().min(1).default(300).describe('How long an answer is kept.'),
  maxBytes: z
    .int()
    .min(1)
    .default(64 * MEGABYTE)
    .describe('How much is kept at most; the longest unused go first.'),
  maxAnswerBytes: z
    .int()
    .min(1)
    .default(4 * MEGABYTE)
    .describe('A longer answer is not kept.'),
  temperature: z
    .enum(['zero', 'any'])
    .default('zero')
    .describe('`zero`: only requests with `temperature: 0`, which want the same answer. `any`: all of them.'),
  tools: z.boolean().default(true).describe('Also requests with tools.'),
  replay: z
    .enum(['at-once', 'paced'])
    .default('at-once')
    .describe('A stream is given again as fast as it can go, or as it came (no pause longer than a second).'),
})

/** What is kept for those who ask twice. */
export const idempotency: Strict<{ seconds: Natural; maxBytes: Natural }> = object({
  seconds: z.int().min(1).default(86_400).describe('How long an answer is kept for its `idempotency-key`.'),
  maxBytes: z
    .int()
    .min(1)
    .default(32 * MEGABYTE)
    .describe('How much is kept at most in memory; the longest unused go first.'),
})
