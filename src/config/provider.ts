import { z } from 'zod'
import { type ProtocolId, protocolIds } from '../protocols/protocol.js'
import { providers } from '../providers/index.js'
import {
  type Choice,
  type Maybe,
  milliseconds,
  type Natural,
  type OneOrMore,
  object,
  patience,
  type Strict,
} from './shapes.js'

const timeouts: Strict<{ connectMs: Natural; headersMs: Natural; firstOutputMs: Natural; idleMs: Natural }> = object({
  connectMs: patience(10_000).describe('To a standing connection, TLS included. In ms.'),
  headersMs: patience(600_000).describe(
    'From the request sent to the first header; a whole answer thinks in this time. In ms.',
  ),
  firstOutputMs: patience(600_000).describe('To the first output of a stream; keep-alives do not count. In ms.'),
  idleMs: patience(300_000).describe('Between two pieces of an answer. In ms.'),
}).describe('How long to wait for this provider.')

const pace: Strict<{ concurrency: Maybe<z.ZodInt>; minTimeMs: Natural; queue: Natural; queueMs: Natural }> = object({
  concurrency: z.int().min(1).optional().describe('Requests at once with one credential. No limit when left out.'),
  minTimeMs: milliseconds(0).describe('From one request to the next. In ms.'),
  queue: z.int().min(0).default(100).describe('Requests that may wait; one more goes to the next target.'),
  queueMs: milliseconds(5000).describe('The longest wait in the queue. In ms.'),
}).describe('Use each credential of this provider gently. Not paced when left out.')

const oneOrMore = <Item extends z.ZodType>(item: Item): OneOrMore<Item> => z.union([item, z.array(item).min(1)])

const baseURL = z
  .url({ protocol: /^https?$/, error: 'not a URL' })
  .refine((text) => /^[^?#@]*$/.test(text), 'may hold no user, password, query or fragment')

/** One of `providers`. */
export const provider: Strict<{
  type: Maybe<z.ZodEnum<Record<string, string>>>
  apiKey: Maybe<OneOrMore<z.ZodString>>
  baseURL: Maybe<OneOrMore<z.ZodURL>>
  speaks: Maybe<z.ZodArray<Choice<ProtocolId>>>
  apiVersion: Maybe<z.ZodString>
  timeouts: z.ZodPrefault<typeof timeouts>
  pace: Maybe<typeof pace>
  refreshModelsMs: Maybe<z.ZodInt>
}> = object({
  type: z
    .enum([...providers.keys()])
    .optional()
    .describe('Which kind of provider this is. Not needed when its id says so.'),
  apiKey: oneOrMore(z.string().min(1))
    .optional()
    .describe("The key, or a pool of keys that are used in turn. By default from the provider's environment variable."),
  baseURL: oneOrMore(baseURL).optional().describe("As the vendor's own SDK has it; further ones are backups."),
  speaks: z
    .array(z.enum(protocolIds))
    .min(1)
    .optional()
    .describe(
      'Languages it takes untranslated; what is in another is translated into the first. By default what the type is known for.',
    ),
  apiVersion: z
    .string()
    .regex(/^[\w.-]+$/, 'not a version')
    .optional()
    .describe(
      'The version of its API, where it has several: with one, as `2024-10-21`, Azure is asked by its deployments, and without by its v1 API.',
    ),
  timeouts: timeouts.prefault({}),
  pace: pace.optional(),
  refreshModelsMs: z
    .int()
    .min(1000)
    .optional()
    .describe(
      'Ask this provider for its own list of models at start, and again so long after each answer. Never asked when left out. In ms.',
    ),
})
