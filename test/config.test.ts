import { describe, expect, it } from 'vitest'
import { ConfigError, configJsonSchema, createRelay, type RelayOptions, readConfig } from '../src/index.js'
import { providers } from '../src/providers/index.js'

/** The faults of `createRelay`, one line each. */
const faults = (options: unknown): string[] => {
  try {
    createRelay({ logger: false, ...(options as RelayOptions) })
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message.split('\n')
  }
}

const local = { type: 'openai-compatible', baseURL: 'http://127.0.0.1:1/v1' }

describe('config', () => {
  it.each<[string, object, string[]]>([
    [
      'a base URL that is no URL',
      { providers: { claude: { ...local, baseURL: 'nope' } } },
      ['providers.claude.baseURL: not a URL'],
    ],
    [
      'a base URL with a password',
      { providers: { a: { ...local, baseURL: 'http://user:secret@x.example/v1' } } },
      ['providers.a.baseURL: may have no user, password, query or fragment'],
    ],
    [
      'an unknown protocol',
      { providers: { a: { ...local, speaks: ['klingon'] } } },
      [expect.stringMatching(/^providers\.a\.speaks\[0\]: .*"openai-chat"/)],
    ],
    [
      'two keys with one secret',
      { providers: { local }, keys: ['a', 'b'].map((id) => ({ id, key: 'sk-12345678' })) },
      ['keys[1]: has the secret of another key'],
    ],
    [
      'a target named like a property of every object',
      { providers: { local }, models: { a: 'toString' } },
      ['models.a: "toString" names no provider and no other model'],
    ],
    [
      'a backup base URL that is no URL',
      { providers: { a: { ...local, baseURL: ['http://x.example', 'ftp://y'] } } },
      ['providers.a.baseURL[1]: not a URL'],
    ],
    [
      'a misspelled option',
      { providers: { local }, retries: 3 },
      ['retries: unknown option: check the spelling or remove it'],
    ],
    [
      'a misspelled option deep down',
      { providers: { local: { ...local, timeouts: { idle: 5 } } } },
      ['providers.local.timeouts.idle: unknown option: check the spelling or remove it'],
    ],
    [
      'an id that is no type',
      { providers: { mine: {} } },
      [`providers.mine.type: is required: one of ${[...providers.keys()].join(', ')}`],
    ],
    [
      'a type that needs a base URL',
      { providers: { a: { type: 'openai-compatible' } } },
      ['providers.a.baseURL: is required for this type'],
    ],
    [
      'an unknown target',
      { providers: { local }, models: { fast: 'nowhere/m' } },
      ['models.fast: "nowhere/m" names no provider and no other model'],
    ],
    [
      'an alias that leads back to itself',
      { providers: { local }, models: { a: 'b', b: 'a' } },
      ['models.a: "a" leads back to itself', 'models.b: "b" leads back to itself'],
    ],
    [
      'a secret that is too short',
      { providers: { local }, keys: [{ id: 'a', key: 'short' }] },
      ['keys[0].key: must have at least 8 characters'],
    ],
    [
      'a key without a secret',
      { providers: { local }, keys: [{ id: 'a' }] },
      ['keys[0]: needs either `key` or `digest`'],
    ],
    [
      'a bad IP range',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', allowedIps: ['10.0.0.0/99'] }] },
      ['keys[0].allowedIps[0]: not an IP address or range, such as 10.0.0.0/8'],
    ],
    [
      'a bad date',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', expiresAt: 'tomorrow' }] },
      ['keys[0].expiresAt: not an ISO date and time, such as 2027-01-01T00:00:00Z'],
    ],
    [
      'an unknown group',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', group: 'vip' }] },
      ['keys[0].group: no group "vip": add it to `groups`'],
    ],
    ['a hook of the wrong type', { providers: { local }, authenticate: 'yes' }, ['authenticate: expected a function']],
    [
      'an option that is missing',
      { providers: { local }, prices: { m: { output: 1 } } },
      ['prices.m.input: is missing: expected a number'],
    ],
    [
      'a value that is too small',
      { providers: { local }, retry: { attempts: 0 } },
      ['retry.attempts: must be at least 1'],
    ],
    [
      'an unknown choice',
      { providers: { local }, onDisconnect: 'wait' },
      ['onDisconnect: expected one of "abort", "drain"'],
    ],
    [
      'a value of none of the possible types',
      { providers: { local }, models: { fast: 7 } },
      ['models.fast: expected a string, a list or an object'],
    ],
    [
      'several mistakes at once',
      { providers: { a: { ...local, baseURL: 'x' } }, maxBodyBytes: 'big' },
      ['providers.a.baseURL: not a URL', 'maxBodyBytes: expected a number, received a string'],
    ],
  ])('%s', (_name, options, expected) => expect(faults(options)).toEqual(expected))

  it('names the environment variable that would hold the missing key', () => {
    const before = process.env.OPENAI_API_KEY
    delete process.env.OPENAI_API_KEY
    try {
      expect(faults({ providers: { openai: {} } })).toEqual([
        'providers.openai.apiKey: is missing, and OPENAI_API_KEY is not set in the environment',
      ])
    } finally {
      if (before !== undefined) process.env.OPENAI_API_KEY = before
    }
  })

  it('fills in every default', () => {
    const config = readConfig({ providers: { local } })
    expect(config).toMatchObject({
      retry: { attempts: 3, minDelayMs: 250, maxDelayMs: 8000, retryTimeouts: false },
      health: { failures: 3, cooldownMs: 30_000 },
      maxBodyBytes: 33_554_432,
      onDisconnect: 'abort',
    })
  })

  describe('health.restMs, the old name of health.cooldownMs', () => {
    it('still works', () => {
      expect(readConfig({ providers: { local }, health: { restMs: 5 } }).health).toEqual({ failures: 3, cooldownMs: 5 })
    })

    it('is a fault beside the new name', () => {
      expect(faults({ providers: { local }, health: { restMs: 5, cooldownMs: 5 } })).toEqual([
        'health.restMs: is the old name of `health.cooldownMs`, which is also given: remove `restMs`',
      ])
    })

    it('is deprecated in the JSON schema, where the new name has the default', () => {
      expect(configJsonSchema()).toMatchObject({
        properties: {
          health: { properties: { restMs: { deprecated: true }, cooldownMs: { default: 30_000, minimum: 0 } } },
        },
      })
    })
  })

  it('publishes a JSON schema that describes every option', () => {
    const undescribed: string[] = []
    const walk = (schema: Record<string, unknown>, path: string): void => {
      for (const [name, inner] of Object.entries(
        (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
      )) {
        if (!inner.description && !inner.properties) undescribed.push(`${path}${name}`)
        walk(inner, `${path}${name}.`)
      }
      for (const below of ['items', 'additionalProperties']) {
        const inner = schema[below]
        if (typeof inner === 'object' && inner !== null) walk(inner as Record<string, unknown>, path)
      }
    }
    walk(configJsonSchema(), '')
    expect(undescribed).toEqual([])
  })
})
