import { z } from 'zod'
import { isAddressRange } from '../lib/addresses.js'
import { budget, keyLimits, limits } from './limits.js'
import { type Maybe, type OneOrMore, object, type Strict, type Texts } from './shapes.js'

const modelList: Texts = z.array(z.string().min(1)).describe('Public model names, `*` for any run of characters.')

/** Who may call. */
export const key: Strict<{
  id: z.ZodString
  key: Maybe<z.ZodString>
  digest: Maybe<z.ZodString>
  publicId: Maybe<z.ZodString>
  group: Maybe<z.ZodString>
  models: Maybe<Texts>
  expiresAt: Maybe<z.ZodISODateTime>
  allowedIps: Maybe<Texts>
  limits: Maybe<typeof keyLimits>
  budget: Maybe<OneOrMore<typeof budget>>
}> = object({
  id: z
    .string()
    .min(1)
    .max(128)
    .describe('Who it is, in logs and records. Two keys may share one: that is how a key is replaced.'),
  key: z.string().min(8).optional().describe('The secret itself. Kept in memory as a digest only.'),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'not sha256:<64 hex digits>')
    .optional()
    .describe("The secret's SHA-256, as `modelmount key create` prints it. Instead of `key`."),
  publicId: z
    .string()
    .length(12)
    .optional()
    .describe('The middle of a key made by `modelmount key create`: finds the digest.'),
  group: z.string().optional().describe('A name of `groups`; `default` when left out.'),
  models: modelList.optional(),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'not an ISO date and time' })
    .optional()
    .describe('From then on it is refused.'),
  allowedIps: z
    .array(z.string().refine(isAddressRange, 'not an IP address or range'))
    .min(1)
    .optional()
    .describe('Addresses or ranges it may be used from. Anywhere when left out.'),
  limits: keyLimits.optional().describe("Over its group's `keyLimits` and the relay's `limits`, one by one."),
  budget: z
    .union([budget, z.array(budget)])
    .optional()
    .describe('What it may spend.'),
}).refine(({ key, digest }) => (key === undefined) !== (digest === undefined), 'needs either `key` or `digest`')

/** What keys have in common. */
export const group: Strict<{
  models: Maybe<Texts>
  multiplier: z.ZodDefault<z.ZodNumber>
  limits: Maybe<typeof limits>
  keyLimits: Maybe<typeof keyLimits>
  budget: Maybe<OneOrMore<typeof budget>>
}> = object({
  models: modelList.optional(),
  multiplier: z.number().min(0).default(1).describe('What prices are multiplied by for its callers.'),
  limits: limits
    .optional()
    .describe('Of all its callers together. What it sets has no other default for each of them.'),
  keyLimits: keyLimits.optional().describe('The default of each of its callers.'),
  budget: z
    .union([budget, z.array(budget)])
    .optional()
    .describe('What all its callers may spend together.'),
})
