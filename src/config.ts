import { z } from 'zod'
import { provider } from './config/provider.js'
import { route, targetName } from './config/route.js'
import {
  type Choice,
  type Maybe,
  milliseconds,
  type Natural,
  object,
  patience,
  type Strict,
  type Texts,
} from './config/shapes.js'
import { ConfigError, faultsOf } from './faults.js'
import { isAddressRange } from './lib/addresses.js'

export type { Strategy } from './config/route.js'

const modelList: Texts = z.array(z.string().min(1)).describe('Public model names, `*` for any run of characters.')

const key: Strict<{
  id: z.ZodString
  key: Maybe<z.ZodString>
  digest: Maybe<z.ZodString>
  publicId: Maybe<z.ZodString>
  group: Maybe<z.ZodString>
  models: Maybe<Texts>
  expiresAt: Maybe<z.ZodISODateTime>
  allowedIps: Maybe<Texts>
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
}).refine(({ key, digest }) => (key === undefined) !== (digest === undefined), 'needs either `key` or `digest`')

const group: Strict<{ models: Maybe<Texts> }> = object({ models: modelList.optional() })

const retry: Strict<{
  attempts: Natural
  minDelayMs: Natural
  maxDelayMs: Natural
  retryTimeouts: z.ZodDefault<z.ZodBoolean>
}> = object({
  attempts: z.int().min(1).default(3).describe('Tries for one call in all, at whatever target.'),
  minDelayMs: milliseconds(250).describe(
    'Before the first try again at the same place; doubled each time, with jitter. In ms.',
  ),
  maxDelayMs: milliseconds(8000).describe('The longest wait that a caller bears inside one call. In ms.'),
  retryTimeouts: z
    .boolean()
    .default(false)
    .describe('Try again after a time-out of a request that had been sent: the silent upstream may bill it as well.'),
})

const health: Strict<{ failures: Natural; restMs: Natural }> = object({
  failures: z.int().min(1).default(3).describe('Failures in a row after which a credential × model × address rests.'),
  restMs: milliseconds(30_000).describe('How long it rests before one call may probe it. In ms.'),
})

const price: Strict<{ input: z.ZodNumber; cachedInput: Maybe<z.ZodNumber>; output: z.ZodNumber }> = object({
  input: z.number().min(0).describe('USD per million input tokens.'),
  cachedInput: z.number().min(0).optional().describe('USD per million input tokens read from the cache.'),
  output: z.number().min(0).describe('USD per million output tokens.'),
})

const responses: Strict<{ store: z.ZodDefault<z.ZodBoolean>; maxBytes: Natural; seconds: Natural }> = object({
  store: z
    .boolean()
    .default(false)
    .describe(
      'Keep answers in memory, each for its own caller, so that `previous_response_id` works. Refused otherwise.',
    ),
  maxBytes: z.int().min(1).default(67_108_864).describe('How much is kept at most; the oldest go first.'),
  seconds: z.int().min(1).default(86_400).describe('How long an answer is kept.'),
})

const media: Strict<{ fetch: z.ZodDefault<z.ZodBoolean>; maxBytes: Natural; timeoutMs: Natural }> = object({
  fetch: z
    .boolean()
    .default(false)
    .describe('Fetch what stands under `https:` for models that take only bytes. Never from private addresses.'),
  maxBytes: z.int().min(1).default(20_971_520).describe('The largest that is fetched.'),
  timeoutMs: patience(10_000).describe('For one of them, from the first step to the last byte. In ms.'),
})

/** What a config file may hold. `createRelay` takes the same, and functions besides: see {@link RelayOptions}. */
const configSchema: Strict<{
  $schema: Maybe<z.ZodString>
  providers: z.ZodRecord<z.ZodString, typeof provider>
  models: Maybe<z.ZodRecord<z.ZodString, z.ZodUnion<readonly [z.ZodString, Texts, typeof route]>>>
  keys: z.ZodDefault<z.ZodArray<typeof key>>
  groups: z.ZodDefault<z.ZodRecord<z.ZodString, typeof group>>
  prices: z.ZodDefault<z.ZodRecord<z.ZodString, typeof price>>
  retry: z.ZodPrefault<typeof retry>
  health: z.ZodPrefault<typeof health>
  translation: z.ZodDefault<Choice<'lenient' | 'strict'>>
  responses: z.ZodPrefault<typeof responses>
  media: z.ZodPrefault<typeof media>
  onDisconnect: z.ZodDefault<Choice<'abort' | 'drain'>>
  maxBodyBytes: Natural
  shutdownMs: Natural
}> = object({
  $schema: z.string().optional().describe('For editors.'),
  providers: z
    .record(z.string().regex(/^[\w.-]+$/, 'not a plain name'), provider)
    .describe('Where models are served, by an id of your choice.'),
  models: z
    .record(z.string().min(1), z.union([targetName, z.array(targetName).min(1), route]))
    .optional()
    .describe('Public model name → where it goes. When given, only these names are reachable.'),
  keys: z.array(key).default([]).describe('Who may call.'),
  groups: z.record(z.string(), group).default({}).describe('What keys have in common.'),
  prices: z.record(z.string(), price).default({}).describe('By target or model, for the strategy `cheapest`.'),
  retry: retry.prefault({}).describe('How long a call goes on trying.'),
  health: health.prefault({}).describe('When what keeps failing is left alone.'),
  translation: z
    .enum(['lenient', 'strict'])
    .default('lenient')
    .describe(
      "What a model's own language cannot say of a request is left out and told in `x-modelmount-losses`, or refused with a 400.",
    ),
  responses: responses.prefault({}).describe('For callers of the Responses API.'),
  media: media.prefault({}).describe('Images and files that a request names by their address.'),
  onDisconnect: z
    .enum(['abort', 'drain'])
    .default('abort')
    .describe(
      'What becomes of the upstream request when the client leaves: broken off, or, once a stream has begun, read to its end for the usage.',
    ),
  maxBodyBytes: z.int().min(1).default(33_554_432).describe('The largest request body, after decompression.'),
  shutdownMs: milliseconds(30_000).describe(
    'How long running answers may take to finish when the relay closes. In ms.',
  ),
}).superRefine(({ keys, groups }, context) => {
  for (const [index, { group }] of keys.entries()) {
    if (group === undefined || group === 'default' || Object.hasOwn(groups, group)) continue
    context.addIssue({ code: 'custom', path: ['keys', index, 'group'], message: `no group "${group}"` })
  }
})

/** A config as it is written. */
export type ConfigInput = z.input<typeof configSchema>
/** A config with every default filled in. */
export type Config = z.output<typeof configSchema>

/** Checks a config and fills in its defaults. @throws {ConfigError} with every fault at once */
export function readConfig(input: unknown): Config {
  const parsed = configSchema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new ConfigError(parsed.error.issues.flatMap((issue) => faultsOf(issue)))
}

/** The JSON schema (draft 2020-12) of {@link ConfigInput}, for editors and for other languages. */
export function configJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(configSchema, { io: 'input' }) as Record<string, unknown>
}
