import { z } from 'zod'
import { isAddressRange } from '../lib/addresses.js'
import { budgetSchema, callerLimitsSchema, limitsSchema } from './limits.js'
import { type OneOrMore, type Optional, object, type StrictObject, type StringList } from './schema-helpers.js'

const modelListSchema: StringList = z
  .array(z.string().min(1))
  .describe(
    'Public names of the models that may be used. `*` matches any characters. Default: for a key the list of its group, for a group all models.',
  )

export const keySchema: StrictObject<{
  id: z.ZodString
  key: Optional<z.ZodString>
  digest: Optional<z.ZodString>
  publicId: Optional<z.ZodString>
  group: Optional<z.ZodString>
  models: Optional<StringList>
  expiresAt: Optional<z.ZodISODateTime>
  allowedIps: Optional<StringList>
  limits: Optional<typeof callerLimitsSchema>
  budget: Optional<OneOrMore<typeof budgetSchema>>
}> = object({
  id: z
    .string()
    .min(1)
    .max(128)
    .describe(
      'Name of the caller, in logs, limits, budgets and usage records. To replace a key, give two the same `id`.',
    ),
  key: z
    .string()
    .min(8)
    .optional()
    .describe('The secret, at least 8 characters. The relay keeps only a digest of it in memory.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'not a digest: expected sha256: and 64 hex digits')
    .optional()
    .describe('SHA-256 digest of the secret, instead of `key`. `modelmount key create` writes it.'),
  publicId: z
    .string()
    .length(12)
    .optional()
    .describe(
      'The 12 characters of the secret by which the relay looks up `digest`. `modelmount key create` writes it.',
    ),
  group: z.string().optional().describe('Group of the key: a name in `groups`. Default: `default`.'),
  models: modelListSchema.optional(),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'not an ISO date and time, such as 2027-01-01T00:00:00Z' })
    .optional()
    .describe('From this date and time on, the relay refuses the key. Default: it never expires.'),
  allowedIps: z
    .array(z.string().refine(isAddressRange, 'not an IP address or range, such as 10.0.0.0/8'))
    .min(1)
    .optional()
    .describe('IP addresses and ranges from which the key may be used. Default: all.'),
  limits: callerLimitsSchema
    .optional()
    .describe("Limits of the key. Each one replaces that of the group's `keyLimits` and of the top-level `limits`."),
  budget: z
    .union([budgetSchema, z.array(budgetSchema)])
    .optional()
    .describe('How much the key may spend. With several budgets, all of them apply. Default: no budget.'),
}).refine(({ key, digest }) => (key === undefined) !== (digest === undefined), 'needs either `key` or `digest`')

export const groupSchema: StrictObject<{
  models: Optional<StringList>
  multiplier: z.ZodDefault<z.ZodNumber>
  limits: Optional<typeof limitsSchema>
  keyLimits: Optional<typeof callerLimitsSchema>
  budget: Optional<OneOrMore<typeof budgetSchema>>
}> = object({
  models: modelListSchema.optional(),
  multiplier: z.number().min(0).default(1).describe('Every price of its callers is multiplied by this.'),
  limits: limitsSchema
    .optional()
    .describe(
      'Limits for all callers of the group together. For a kind that is set here, the top-level `limits` no longer apply to its callers.',
    ),
  keyLimits: callerLimitsSchema.optional().describe('Default limits for each caller of the group.'),
  budget: z
    .union([budgetSchema, z.array(budgetSchema)])
    .optional()
    .describe('How much all callers of the group may spend together. Default: no budget.'),
})
