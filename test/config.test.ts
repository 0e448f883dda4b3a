import { describe, expect, it } from 'vitest'
import { ConfigError, configJsonSchema, createRelay, type RelayOptions, readConfig } from '../src/index.js'
import { providers } from '../src/providers/index.js'

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
      'a bad address',
      { providers: { claude: { ...local, baseURL: 'nope' } } },
      ['providers.claude.baseURL: not a URL'],
    ],
    [
      'an address with a password',
      { providers: { a: { ...local, baseURL: 'http://user:secret@x.example/v1' } } },
      ['providers.a.baseURL: may hold no user, password, query or fragment'],
    ],
    [
      'a language that is not known',
      { providers: { a: { ...local, speaks: ['klingon'] } } },
      [expect.stringMatching(/^providers\.a\.speaks\[0\]: .*"openai-chat"/)],
    ],
    [
      'one secret for two',
      { providers: { local }, keys: ['a', 'b'].map((id) => ({ id, key: 'sk-12345678' })) },
      ['keys[1]: has the secret of another key'],
    ],
    [
      'a name that every object has',
      { providers: { local }, models: { a: 'toString' } },
      ['models.a: "toString" names no provider and no other model'],
    ],
    [
      'a bad backup address',
      { providers: { a: { ...local, baseURL: ['http://x.example', 'ftp://y'] } } },
      ['providers.a.baseURL[1]: not a URL'],
    ],
    ['a typo', { providers: { local }, retries: 3 }, ['retries: no such option']],
    [
      'a typo deep down',
      { providers: { local: { ...local, timeouts: { idle: 5 } } } },
      ['providers.local.timeouts.idle: no such option'],
    ],
    [
      'an unknown type',
      { providers: { mine: {} } },
      [`providers.mine.type: is required: one of ${[...providers.keys()].join(', ')}`],
    ],
    [
      'no address',
      { providers: { a: { type: 'openai-compatible' } } },
      ['providers.a.baseURL: is required for this type'],
    ],
    [
      'an unknown target',
      { providers: { local }, models: { fast: 'nowhere/m' } },
      ['models.fast: "nowhere/m" names no provider and no other model'],
    ],
    [
      'an alias that leads back',
      { providers: { local }, models: { a: 'b', b: 'a' } },
      ['models.a: "a" leads back to itself', 'models.b: "b" leads back to itself'],
    ],
    [
      'a short key',
      { providers: { local }, keys: [{ id: 'a', key: 'short' }] },
      ['keys[0].key: Too small: expected string to have >=8 characters'],
    ],
    [
      'a key without a secret',
      { providers: { local }, keys: [{ id: 'a' }] },
      ['keys[0]: needs either `key` or `digest`'],
    ],
    [
      'a bad range',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', allowedIps: ['10.0.0.0/99'] }] },
      ['keys[0].allowedIps[0]: not an IP address or range'],
    ],
    [
      'a bad date',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', expiresAt: 'tomorrow' }] },
      ['keys[0].expiresAt: not an ISO date and time'],
    ],
    [
      'an unknown group',
      { providers: { local }, keys: [{ id: 'a', key: 'sk-12345678', group: 'vip' }] },
      ['keys[0].group: no group "vip"'],
    ],
    [
      'a hook of the wrong kind',
      { providers: { local }, authenticate: 'yes' },
      ['authenticate: is not of the right kind'],
    ],
    [
      'several at once',
      { providers: { a: { ...local, baseURL: 'x' } }, maxBodyBytes: 'big' },
      ['providers.a.baseURL: not a URL', 'maxBodyBytes: expected number, received string'],
    ],
  ])('%s', (_name, options, expected) => expect(faults(options)).toEqual(expected))

  it('says which environment variable would do', () => {
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
      health: { failures: 3, restMs: 30_000 },
      maxBodyBytes: 33_554_432,
      onDisconnect: 'abort',
    })
  })

  it('publishes a JSON schema with a line for every option', () => {
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
