import { z } from 'zod'
import { type Optional, object, type StrictObject } from './schema-helpers.js'

const usdPerMillion: z.ZodNumber = z.number().min(0)

export const priceSchema: StrictObject<{
  input: z.ZodNumber
  cachedInput: Optional<z.ZodNumber>
  cacheWriteInput: Optional<z.ZodNumber>
  output: z.ZodNumber
}> = object({
  input: usdPerMillion.describe('USD per million input tokens.'),
  cachedInput: usdPerMillion
    .optional()
    .describe(
      'USD per million input tokens that the provider reads from its prompt cache. Default: the price of `input`.',
    ),
  cacheWriteInput: usdPerMillion
    .optional()
    .describe(
      'USD per million input tokens that the provider writes to its prompt cache. Default: the price of `input`.',
    ),
  output: usdPerMillion.describe('USD per million output tokens.'),
})

export const unpricedSchema: StrictObject<{
  input: z.ZodDefault<z.ZodNumber>
  output: z.ZodDefault<z.ZodNumber>
}> = object({
  input: usdPerMillion.default(5).describe('USD per million input tokens.'),
  output: usdPerMillion.default(25).describe('USD per million output tokens.'),
})
