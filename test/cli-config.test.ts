import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, modelmount, serve, statusOf, variable, writeFileFor } from './command-line.js'
import { startUpstream } from './scripted-upstream.js'

describe('a config file', () => {
  it('gets values from the environment', async () => {
    const upstream = await startUpstream()
    onTestFinished(() => upstream.close())
    const file = await writeFileFor('filled.json', {
      providers: {
        local: { type: 'openai-compatible', baseURL: variable('BASE_URL'), apiKey: `pre-${variable('SECRET')}` },
      },
      keys: [{ id: 'alice', key: variable('CALLER') }],
    })
    const environment = { BASE_URL: upstream.baseURL, SECRET: 'sk-there', CALLER: 'sk-alice-1' }
    const { baseURL } = await serve(['--config', file], environment)
    expect((await ask(baseURL, 'sk-alice-1', { model: 'local/some' })).status).toBe(200)
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer pre-sk-there')
  })

  it('may be a module with functions', async () => {
    const file = await writeFileFor(
      'config.mjs',
      `export default {
        providers: { local: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1' } },
        models: { one: 'local' },
        authenticate: (request) => request.headers['x-user'] ? { id: request.headers['x-user'] } : undefined,
      }`,
    )
    const { baseURL } = await serve(['--config', file])
    const answer = await fetch(`${baseURL}/models`, { headers: { 'x-user': 'bob' } })
    expect(await answer.json()).toMatchObject({ data: [{ id: 'one' }] })
    expect(await statusOf(baseURL, 'sk-modelmount-demo')).toBe(401)
  })

  it.each([[], ['check']])('with faults is refused with one line for each (%s)', async (...command) => {
    const file = await writeFileFor('bad.json', {
      providers: {
        openai: { apiKey: variable('NOT_THERE') },
        claude: { type: 'openai-compatible', baseURL: 'nowhere' },
      },
      retry: { attemps: 3 },
      keys: [{ id: 'alice', key: variable('NOR_THIS'), models: [variable('PATH')] }],
    })
    const { code, stdout, stderr } = await modelmount([...command, '--config', file])
    expect(stderr.trim().split('\n').toSorted()).toEqual([
      `keys[0].key: ${variable('NOR_THIS')} is not set`,
      'providers.claude.baseURL: not a URL',
      `providers.openai.apiKey: ${variable('NOT_THERE')} is not set`,
      'retry.attemps: unknown option: check the spelling or remove it',
    ])
    expect([code, stdout]).toEqual([1, ''])
  })

  it.each([
    ['missing.json', undefined, /: no such file$/],
    ['comma.json', '{\n  "providers": { "openai": { "apiKey": "sk-secret" } },\n}', /: not JSON at line 3, column 1$/],
    ['quote.json', '{ "providers": "sk-secret }', /: not JSON at line 1, column 16$/],
    ['list.json', '["sk-secret"]', /: the config is not an object$/],
    ['nothing.mjs', 'export const config = {}', /: has no default export$/],
    ['syntax.mjs', 'export default {', /: cannot be loaded: .*`node --check` shows where$/],
    ['latin.json', Buffer.from('{"\xe9": "sk-secret"}', 'latin1'), /: not UTF-8$/],
  ])('%s is refused with one line', async (name, content, reason) => {
    const file = content === undefined ? name : await writeFileFor(name, content)
    const { code, stderr } = await modelmount(['--config', file])
    expect(stderr.split('\n').filter((line) => !line.startsWith('providers: '))).toEqual([
      expect.stringMatching(reason),
      '',
    ])
    expect(stderr).not.toContain('sk-secret')
    expect(code).toBe(1)
  })

  it('is checked, and its routes are printed without its secrets', async () => {
    const file = await writeFileFor('routes.json', {
      providers: {
        openai: { apiKey: ['sk-first-secret', 'sk-second-secret'] },
        local: { type: 'openai-compatible', baseURL: ['http://127.0.0.1:1/v1', 'http://127.0.0.1:2/v1'] },
      },
      models: {
        'gpt-*': 'openai',
        fast: { strategy: 'weighted', targets: [{ target: 'openai/small', weight: 3 }, 'local/tiny'] },
      },
      keys: [{ id: 'alice', key: 'sk-alice-secret' }],
    })
    const { code, stdout } = await modelmount(['check', '--config', file])
    expect(stdout).toBe(
      [
        `${file} is valid: 2 providers, 2 routes, 1 key.`,
        '',
        'MODEL  STRATEGY  TARGET        WEIGHT  KEYS  BASE URL',
        'fast   weighted  openai/small  3       2     https://api.openai.com/v1',
        '                 local/tiny    1       1     http://127.0.0.1:1/v1, http://127.0.0.1:2/v1',
        'gpt-*  priority  openai/gpt-*  -       2     https://api.openai.com/v1',
        '',
      ].join('\n'),
    )
    expect(code).toBe(0)
  })
})
