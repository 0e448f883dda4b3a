import { z } from 'zod'
import { cache, idempotency } from './cache.js'
import { ConfigError, faultsOf } from './config-error.js'
import { cors } from './cors.js'
import { group, key } from './key.js'
import { relayLimits } from './limits.js'
import { price, unpriced } from './price.js'
import { provider } from './provider.js'
import { route, targetName } from './route.js'
import {
  type Choice,
  type Maybe,
  milliseconds,
  type Natural,
  type OneOrMore,
  object,
  patience,
  type Strict,
  type Texts,
} from './shapes.js'
import { onStoreError, store, usage } from './store.js'

export type { Strategy } from './route.js'

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

const sockets: Strict<{ idleMs: Natural; totalMs: Natural }> = object({
  idleMs: patience(900_000).describe('Without a message either way. In ms.'),
  totalMs: patience(3_600_000).describe('In all. In ms.'),
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
  limits: z.ZodPrefault<typeof relayLimits>
  prices: z.ZodDefault<z.ZodRecord<z.ZodString, typeof price>>
  unpriced: z.ZodPrefault<typeof unpriced>
  assumedOutputTokens: Natural
  cache: Maybe<typeof cache>
  idempotency: z.ZodPrefault<typeof idempotency>
  usage: z.ZodPrefault<typeof usage>
  store: z.ZodPrefault<typeof store>
  onStoreError: z.ZodPrefault<typeof onStoreError>
  cors: Maybe<typeof cors>
  retry: z.ZodPrefault<typeof retry>
  health: z.ZodPrefault<typeof health>
  translation: z.ZodDefault<Choice<'lenient' | 'strict'>>
  forward: z.ZodDefault<z.ZodRecord<z.ZodString, OneOrMore<z.ZodString>>>
  responses: z.ZodPrefault<typeof responses>
  sockets: z.ZodPrefault<typeof sockets>
  media: z.ZodPrefault<typeof media>
  onDisconnect: z.ZodDefault<Choice<'abort' | 'drain'>>
  maxBodyBytes: Natural
  maxUploadBytes: Natural
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
  limits: relayLimits.prefault({}).describe('The default of every key. None where it is left out.'),
  prices: z
    .record(z.string(), price)
    .default({})
    .describe("By target (`provider/model`) or model, `*` for any run of characters. Over the catalogue's."),
  unpriced: unpriced.prefault({}).describe('What a model costs whose price nobody knows: it is told once in the log.'),
  assumedOutputTokens: z
    .int()
    .min(0)
    .default(1000)
    .describe(
      'What an answer is taken to come to, for limits and budgets, until it has ended, where the caller sets no cap.',
    ),
  cache: cache.optional().describe('Answers that are given again to the same caller. Off when left out.'),
  idempotency: idempotency.prefault({}).describe('Answers kept for requests with an `idempotency-key`.'),
  usage: usage.prefault({}).describe('Usage records, and the usage of streams.'),
  store: store.prefault({}).describe('What outlives the process, or is shared by several. Memory when left out.'),
  onStoreError: onStoreError
    .prefault({})
    .describe('What becomes of calls while a store does not answer: `allow` goes on without it, `refuse` is a 503.'),
  retry: retry.prefault({}).describe('How long a call goes on trying.'),
  health: health.prefault({}).describe('When what keeps failing is left alone.'),
  translation: z
    .enum(['lenient', 'strict'])
    .default('lenient')
    .describe(
      "What a model's own language cannot say of a request is left out and told in `x-modelmount-losses`, or refused with a 400.",
    ),
  cors: cors.optional().describe('Pages that may call from a browser. None when left out.'),
  forward: z
    .record(
      z.string().regex(/^[\w-]+$/, 'not the first word of a path'),
      z.union([z.string(), z.array(z.string()).min(1)]),
    )
    .default({})
    .describe(
      'Paths that are passed on unread, by their first word (`files`), and the provider; of several the first, or whichever `x-modelmount-provider` names.',
    ),
  responses: responses.prefault({}).describe('For callers of the Responses API.'),
  sockets: sockets.prefault({}).describe('How long a WebSocket may stay open.'),
  media: media.prefault({}).describe('Images and files that a request names by their address.'),
  onDisconnect: z
    .enum(['abort', 'drain'])
    .default('abort')
    .describe(
      'What becomes of the upstream request when the client leaves: broken off, or, once a stream has begun, read to its end for the usage.',
    ),
  maxBodyBytes: z.int().min(1).default(33_554_432).describe('The largest request body, after decompression.'),
  maxUploadBytes: z
    .int()
    .min(1)
    .default(268_435_456)
    .describe('What the bodies of images and sound under way may come to together; beyond it new ones get a 503.'),
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
