import { z } from 'zod'
import { type Maybe, object, type Strict } from './shapes.js'

/** What a model costs. */
export const price: Strict<{
  input: z.ZodNumber
  cachedInput: Maybe<z.ZodNumber>
  cacheWriteInput: Maybe<z.ZodNumber>
  output: z.ZodNumber
}> = object({
  input: z.number().min(0).describe('USD per million input tokens.'),
  cachedInput: z.number().min(0).optional().describe('USD per million input tokens read from the cache.'),
  cacheWriteInput: z.number().min(0).optional().describe('USD per million input tokens written to the cache.'),
  output: z.number().min(0).describe('USD per million output tokens.'),
})

/** The same, where nobody knows. */
export const unpriced: Strict<{ input: z.ZodDefault<z.ZodNumber>; output: z.ZodDefault<z.ZodNumber> }> = object({
  input: z.number().min(0).default(5).describe('USD per million input tokens.'),
  output: z.number().min(0).default(25).describe('USD per million output tokens.'),
})
