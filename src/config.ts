import { z } from 'zod'
import { ConfigError, faultsOf } from './faults.js'
import { isAddressRange } from './lib/addresses.js'
import { type ProtocolId, protocolIds } from './protocols/protocol.js'
import { providers } from './providers/index.js'

/** Unless it is said otherwise, an object in the config takes no field that is not named here: a typo is a fault. */
const object = z.strictObject

/**
 * The types of the schemas below are written out because declarations are emitted file by file (`isolatedDeclarations`);
 * a schema that strays from its type does not compile.
 */
type Strict<Shape extends z.ZodRawShape> = z.ZodObject<Shape, z.core.$strict>
type Maybe<Schema extends z.ZodType> = z.ZodOptional<Schema>
type OneOrMore<Item extends z.ZodType> = z.ZodUnion<readonly [Item, z.ZodArray<Item>]>
type Choice<Name extends string> = z.ZodEnum<{ [Key in Name]: Key }>
type Natural = z.ZodDefault<z.ZodInt>
type Texts = z.ZodArray<z.ZodString>

const milliseconds = (fallback: number): Natural => z.int().min(0).default(fallback)

const patience = (fallback: number): Natural => z.int().min(1).default(fallback)

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

const provider: Strict<{
  type: Maybe<z.ZodEnum<Record<string, string>>>
  apiKey: Maybe<OneOrMore<z.ZodString>>
  baseURL: Maybe<OneOrMore<z.ZodURL>>
  speaks: Maybe<z.ZodArray<Choice<ProtocolId>>>
  timeouts: z.ZodPrefault<typeof timeouts>
  pace: Maybe<typeof pace>
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
    .describe('Languages it takes untranslated. By default what the type is known for.'),
  timeouts: timeouts.prefault({}),
  pace: pace.optional(),
})

const targetName: z.ZodString = z.string().min(1)

const route: Strict<{
  strategy: z.ZodDefault<Choice<Strategy>>
  targets: z.ZodArray<
    z.ZodUnion<readonly [z.ZodString, Strict<{ target: z.ZodString; weight: z.ZodDefault<z.ZodNumber> }>]>
  >
  onContextTooLong: Maybe<Texts>
  onContentFilter: Maybe<Texts>
}> = object({
  strategy: z
    .enum(['priority', 'weighted', 'fastest', 'cheapest', 'least-busy', 'sticky'])
    .default('priority')
    .describe('Which target is tried first. The others follow when it fails.'),
  targets: z
    .array(
      z.union([
        targetName,
        object({
          target: targetName.describe('As above.'),
          weight: z.number().positive().default(1).describe('Its share under `weighted`, `least-busy` and `sticky`.'),
        }),
      ]),
    )
    .min(1)
    .describe('`provider/model`, or `provider` for the same name there.'),
  onContextTooLong: z
    .array(targetName)
    .optional()
    .describe('Targets for a conversation that is too long for the others.'),
  onContentFilter: z.array(targetName).optional().describe("Targets for what the others' content filter refuses."),
})

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

/** Which of a route's targets goes first. */
export type Strategy = 'priority' | 'weighted' | 'fastest' | 'cheapest' | 'least-busy' | 'sticky'

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
