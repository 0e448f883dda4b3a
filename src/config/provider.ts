import { z } from 'zod'
import { type ProtocolId, protocolIds } from '../protocols/protocol.js'
import { providers } from '../providers/index.js'
import {
  type IntegerWithDefault,
  nonNegative,
  type OneOf,
  type OneOrMore,
  type Optional,
  object,
  oneOrMore,
  positive,
  type StrictObject,
} from './schema-helpers.js'

const timeoutsSchema: StrictObject<{
  connectMs: IntegerWithDefault
  headersMs: IntegerWithDefault
  firstOutputMs: IntegerWithDefault
  idleMs: IntegerWithDefault
}> = object({
  connectMs: positive(10_000).describe('Maximum time to connect, TLS included, in milliseconds.'),
  headersMs: positive(600_000).describe(
    'Maximum time from the sent request to the response headers, in milliseconds. A model that does not stream generates its whole answer in this time.',
  ),
  firstOutputMs: positive(600_000).describe(
    'Maximum time from the sent request to the first output of a stream, in milliseconds. Keep-alive comments are not output.',
  ),
  idleMs: positive(300_000).describe('Maximum time between two chunks of an answer, in milliseconds.'),
}).describe('Timeouts of an attempt at this provider.')

const paceSchema: StrictObject<{
  concurrency: Optional<z.ZodInt>
  minTimeMs: IntegerWithDefault
  queue: IntegerWithDefault
  queueMs: IntegerWithDefault
}> = object({
  concurrency: z
    .int()
    .min(1)
    .optional()
    .describe('Maximum number of requests at the same time with one API key. Default: no limit.'),
  minTimeMs: nonNegative(0).describe('Minimum time between the starts of two requests, in milliseconds.'),
  queue: nonNegative(100).describe(
    'Maximum number of requests that wait. When the queue is full, the relay tries the next target.',
  ),
  queueMs: nonNegative(5000).describe(
    'Maximum time that a request waits in the queue, in milliseconds. After that the relay tries the next target.',
  ),
}).describe('Limits the rate at which the relay uses each API key of this provider. Default: no limit.')

const baseUrlSchema = z
  .url({ protocol: /^https?$/, error: 'not a URL' })
  .refine((text) => /^[^?#@]*$/.test(text), 'may have no user, password, query or fragment')

/** One of `providers`. */
export const providerSchema: StrictObject<{
  type: Optional<z.ZodEnum<Record<string, string>>>
  apiKey: Optional<OneOrMore<z.ZodString>>
  baseURL: Optional<OneOrMore<z.ZodURL>>
  speaks: Optional<z.ZodArray<OneOf<ProtocolId>>>
  apiVersion: Optional<z.ZodString>
  timeouts: z.ZodPrefault<typeof timeoutsSchema>
  pace: Optional<typeof paceSchema>
  refreshModelsMs: Optional<z.ZodInt>
}> = object({
  type: z
    .enum([...providers.keys()])
    .optional()
    .describe('Type of the provider. Default: its id in `providers`, if that is a type.'),
  apiKey: oneOrMore(z.string().min(1))
    .optional()
    .describe(
      "The provider's API key, or several keys that the relay uses in turn. Default: the environment variable of the type.",
    ),
  baseURL: oneOrMore(baseUrlSchema)
    .optional()
    .describe(
      "Base URL, as the vendor's own SDK expects it. With several, the first is used and the others are backups. Default: that of the type.",
    ),
  speaks: z
    .array(z.enum(protocolIds))
    .min(1)
    .optional()
    .describe(
      'Protocols in which requests go to this provider untranslated. Requests in another protocol are translated into the first one. Default: those of the type.',
    ),
  apiVersion: z
    .string()
    .regex(/^[\w.-]+$/, 'not a version, such as 2024-10-21')
    .optional()
    .describe(
      "Version of the provider's API, for types that have several. Azure uses its deployment URLs with a version such as `2024-10-21`, and its v1 API without one.",
    ),
  timeouts: timeoutsSchema.prefault({}),
  pace: paceSchema.optional(),
  refreshModelsMs: z
    .int()
    .min(1000)
    .optional()
    .describe(
      "Read the provider's own list of models at start, and again this long after each answer, in milliseconds. Default: never.",
    ),
})
