import { z } from 'zod'
import { cacheSchema, idempotencySchema } from './cache.js'
import { ConfigError, configErrorMap, toConfigFaults } from './config-error.js'
import { groupSchema, keySchema } from './keys.js'
import { relayLimitsSchema } from './limits.js'
import { priceSchema, unpricedSchema } from './prices.js'
import { providerSchema } from './provider.js'
import { routeSchema, targetNameSchema } from './route.js'
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
  type StringList,
} from './schema-helpers.js'
import { onStoreErrorSchema, storeSchema, usageSchema } from './store.js'

export type { Strategy } from './route.js'

const retrySchema: StrictObject<{
  attempts: IntegerWithDefault
  minDelayMs: IntegerWithDefault
  maxDelayMs: IntegerWithDefault
  retryTimeouts: z.ZodDefault<z.ZodBoolean>
}> = object({
  attempts: positive(3).describe('Maximum number of attempts of one call, at all targets together.'),
  minDelayMs: nonNegative(250).describe(
    'Delay before the relay tries the same channel again, in milliseconds. Each further delay is doubled, with jitter. Another channel is tried without delay.',
  ),
  maxDelayMs: nonNegative(8000).describe(
    'Longest delay inside one call, in milliseconds. If the provider asks for a longer one, the client gets the error at once.',
  ),
  retryTimeouts: z
    .boolean()
    .default(false)
    .describe(
      'Also retry when an attempt times out after its request was sent. The provider may bill that request, so a call may cost twice.',
    ),
})

const DEFAULT_COOLDOWN_MS = 30_000

type HealthObject = StrictObject<{
  failures: IntegerWithDefault
  cooldownMs: Optional<z.ZodInt>
  restMs: Optional<z.ZodInt>
}>
type HealthTransform = z.ZodTransform<{ failures: number; cooldownMs: number }, z.output<HealthObject>>

const healthSchema: z.ZodPipe<HealthObject, HealthTransform> = object({
  failures: positive(3).describe(
    'After this many failures in a row, a channel (a target with one API key at one base URL) goes into cooldown.',
  ),
  // No `.default()`: it would hide whether the config has both names.
  cooldownMs: z.int().min(0).optional().meta({
    default: DEFAULT_COOLDOWN_MS,
    description: 'How long a cooldown lasts, in milliseconds. After it, one call probes the channel.',
  }),
  restMs: z
    .int()
    .min(0)
    .optional()
    .meta({ deprecated: true, description: 'Deprecated: the old name of `cooldownMs`. Give only one of the two.' }),
})
  .refine(({ cooldownMs, restMs }) => cooldownMs === undefined || restMs === undefined, {
    path: ['restMs'],
    error: 'is the old name of `health.cooldownMs`, which is also given: remove `restMs`',
  })
  .transform(({ failures, cooldownMs, restMs }) => ({
    failures,
    cooldownMs: cooldownMs ?? restMs ?? DEFAULT_COOLDOWN_MS,
  }))

const corsSchema: StrictObject<{ origins: StringList }> = object({
  origins: z
    .array(
      z
        .string()
        .regex(
          /^(\*|https?:\/\/[^/\s]+|[a-z][a-z0-9+.-]*:\/\/[^/\s]*)$/i,
          'not an origin: expected one such as https://chat.example, or *',
        ),
    )
    .describe('Origins of pages that may call the relay, such as `https://chat.example`. `*` allows all.'),
})

const responsesSchema: StrictObject<{
  store: z.ZodDefault<z.ZodBoolean>
  maxBytes: IntegerWithDefault
  seconds: IntegerWithDefault
}> = object({
  store: z
    .boolean()
    .default(false)
    .describe(
      'Keep responses in memory, each for its own caller, so that `previous_response_id` works. Otherwise requests that use it are refused.',
    ),
  maxBytes: positive(67_108_864).describe(
    'Maximum size of the stored responses in memory, in bytes. Default: 64 MiB. The oldest go first.',
  ),
  seconds: positive(86_400).describe('How long the relay keeps a response, in seconds. Default: one day.'),
})

const socketsSchema: StrictObject<{ idleMs: IntegerWithDefault; totalMs: IntegerWithDefault }> = object({
  idleMs: positive(900_000).describe(
    'The relay closes a WebSocket after this time without a message in either direction, in milliseconds. Default: 15 minutes.',
  ),
  totalMs: positive(3_600_000).describe(
    'The relay closes a WebSocket after this time in all, in milliseconds. Default: one hour.',
  ),
})

const mediaSchema: StrictObject<{
  fetch: z.ZodDefault<z.ZodBoolean>
  maxBytes: IntegerWithDefault
  timeoutMs: IntegerWithDefault
}> = object({
  fetch: z
    .boolean()
    .default(false)
    .describe(
      'Fetch images and files from their `https:` URLs for models that do not fetch them. Never from private addresses.',
    ),
  maxBytes: positive(20_971_520).describe('Maximum size of one file, in bytes. Default: 20 MiB.'),
  timeoutMs: positive(10_000).describe('Maximum time to fetch one file completely, in milliseconds.'),
})

/**
 * What a config file may hold. `createRelay` takes the same, and functions and clients besides: see {@link
 * RelayOptions}.
 */
const configSchema: StrictObject<{
  $schema: Optional<z.ZodString>
  providers: z.ZodRecord<z.ZodString, typeof providerSchema>
  models: Optional<z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, StringList, typeof routeSchema]>>>
  keys: z.ZodDefault<z.ZodArray<typeof keySchema>>
  groups: z.ZodDefault<z.ZodRecord<z.ZodString, typeof groupSchema>>
  limits: z.ZodPrefault<typeof relayLimitsSchema>
  prices: z.ZodDefault<z.ZodRecord<z.ZodString, typeof priceSchema>>
  unpriced: z.ZodPrefault<typeof unpricedSchema>
  assumedOutputTokens: IntegerWithDefault
  cache: Optional<typeof cacheSchema>
  idempotency: z.ZodPrefault<typeof idempotencySchema>
  usage: z.ZodPrefault<typeof usageSchema>
  store: z.ZodPrefault<typeof storeSchema>
  onStoreError: z.ZodPrefault<typeof onStoreErrorSchema>
  cors: Optional<typeof corsSchema>
  retry: z.ZodPrefault<typeof retrySchema>
  health: z.ZodPrefault<typeof healthSchema>
  translation: z.ZodDefault<OneOf<'lenient' | 'strict'>>
  forward: z.ZodDefault<z.ZodRecord<z.ZodString, OneOrMore<z.ZodString>>>
  responses: z.ZodPrefault<typeof responsesSchema>
  sockets: z.ZodPrefault<typeof socketsSchema>
  media: z.ZodPrefault<typeof mediaSchema>
  onDisconnect: z.ZodDefault<OneOf<'abort' | 'drain'>>
  maxBodyBytes: IntegerWithDefault
  maxUploadBytes: IntegerWithDefault
  shutdownMs: IntegerWithDefault
}> = object({
  $schema: z.string().optional().describe('URL or path of the JSON schema, for your editor. The relay ignores it.'),
  providers: z
    .record(z.string().regex(/^[\w.-]+$/, 'not a plain name: use letters, digits, _, . and -'), providerSchema)
    .describe('The providers, each by an id of your choice.'),
  models: z
    .record(z.string().min(1), z.union([targetNameSchema, z.array(targetNameSchema).min(1), routeSchema]))
    .optional()
    .describe(
      'Routes: public model name → its targets. `*` matches any characters. If given, callers reach only these names. Default: every model, by its own name or as `provider/model`.',
    ),
  keys: z.array(keySchema).default([]).describe('API keys of the callers.'),
  groups: z
    .record(z.string(), groupSchema)
    .default({})
    .describe('What several callers have in common, by group name. Keys without a group are in `default`.'),
  limits: relayLimitsSchema
    .prefault({})
    .describe('Default limits of each caller, and limits of all together. Default: no limits.'),
  prices: z
    .record(z.string(), priceSchema)
    .default({})
    .describe(
      'Prices by target (`provider/model`) or by model. `*` matches any characters. They replace those of the built-in catalogue.',
    ),
  unpriced: unpricedSchema
    .prefault({})
    .describe('Price to assume for models without a known price. The log reports each such model once.'),
  assumedOutputTokens: nonNegative(1000).describe(
    'Estimated length of an answer in tokens, if the request sets no maximum. Limits and budgets use it until the call ends.',
  ),
  cache: cacheSchema
    .optional()
    .describe('Cache of answers. Each caller gets only its own answers again. Default: no cache.'),
  idempotency: idempotencySchema.prefault({}).describe('Answers kept for requests with an `idempotency-key`.'),
  usage: usageSchema.prefault({}).describe('Usage records, and the usage of streams.'),
  store: storeSchema
    .prefault({})
    .describe('Databases for state that must survive a restart or be shared by several processes. Default: memory.'),
  onStoreError: onStoreErrorSchema
    .prefault({})
    .describe('What happens to calls while a store does not answer: `allow` lets them through, `refuse` answers 503.'),
  retry: retrySchema.prefault({}).describe('How often the relay tries a call that fails, and how long it waits.'),
  health: healthSchema.prefault({}).describe('When the relay stops using a channel that keeps failing.'),
  translation: z
    .enum(['lenient', 'strict'])
    .default('lenient')
    .describe(
      "What happens to parts of a request that the target's protocol cannot express. `lenient` leaves them out and reports them in `x-modelmount-losses`. `strict` answers 400.",
    ),
  cors: corsSchema.optional().describe('Pages that may call the relay from a browser. Default: none.'),
  forward: z
    .record(z.string().regex(/^[\w-]+$/, 'not the first segment of a path, such as files'), oneOrMore(z.string()))
    .default({})
    .describe(
      'Endpoints that the relay forwards without reading them: the first segment of the path (`files`) → the provider. With several providers, `x-modelmount-provider` chooses one; without it, the first is used.',
    ),
  responses: responsesSchema.prefault({}).describe('Stored responses of the Responses API.'),
  sockets: socketsSchema.prefault({}).describe('How long a WebSocket may stay open.'),
  media: mediaSchema.prefault({}).describe('Images and files that a request gives by URL.'),
  onDisconnect: z
    .enum(['abort', 'drain'])
    .default('abort')
    .describe(
      'What happens to the upstream request when the client disconnects. `abort` aborts it. `drain` reads a stream that has begun to its end, to learn its usage.',
    ),
  maxBodyBytes: positive(33_554_432).describe(
    'Maximum size of a request body after decompression, in bytes. Default: 32 MiB.',
  ),
  maxUploadBytes: positive(268_435_456).describe(
    'Maximum size of all image and audio uploads in progress together, in bytes. Default: 256 MiB. Beyond it, new uploads get a 503.',
  ),
  shutdownMs: nonNegative(30_000).describe(
    'How long running calls may take to finish when the relay closes, in milliseconds.',
  ),
}).superRefine(({ keys, groups }, context) => {
  for (const [index, { group }] of keys.entries()) {
    if (group === undefined || group === 'default' || Object.hasOwn(groups, group)) continue
    context.addIssue({
      code: 'custom',
      path: ['keys', index, 'group'],
      message: `no group "${group}": add it to \`groups\``,
    })
  }
})

/** A config as a user writes it. */
export type ConfigInput = z.input<typeof configSchema>
/** A config with every default filled in. */
export type Config = z.output<typeof configSchema>

/**
 * Returns the config with every default filled in.
 *
 * @throws {ConfigError} with every mistake at once
 */
export function readConfig(input: unknown): Config {
  const result = configSchema.safeParse(input, { error: configErrorMap })
  if (result.success) return result.data
  throw new ConfigError(result.error.issues.flatMap((issue) => toConfigFaults(issue)))
}

/** Returns the JSON schema (draft 2020-12) of {@link ConfigInput}, for editors and for other languages. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>
}
