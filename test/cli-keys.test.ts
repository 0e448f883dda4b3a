import { chmod, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelmount, serve, statusOf, variable, writeFileFor } from './command-line.js'

/** Formatted by hand, so that a rewrite of the whole file would show. */
const CONFIG_TEXT = `{
  "providers": { "local": { "type": "openai-compatible",
                            "baseURL": "http://127.0.0.1:9/v1", "apiKey": "${variable('THERE')}" } },
  "models": { "2": "local", "1": "local", "é": ["local"] },
  "keys": [],
  "groups": { "vip": {} },
  "shutdownMs": 1e3
}
`
const ENVIRONMENT = { THERE: 'sk-there' }

async function key(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await modelmount(['key', ...args])
  expect(code, stderr).toBe(0)
  return stdout.trim()
}

async function rows(file: string): Promise<Record<string, unknown>[]> {
  return JSON.parse(await readFile(file, 'utf8')).keys
}

const publicIdOf = (secret: string): string => secret.split('-')[2] ?? ''

describe('keys', () => {
  it('work from creation to revocation', async () => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    const alice = await key('create', '--config', file, '--id', 'alice', '--models', '1, 2', '--group', 'vip')
    const bob = await key('create', '--config', file, '--id', 'bob', '--expires', '2099-01-01T00:00:00Z')
    expect(alice).toMatch(/^sk-mm-\w{12}-\w{40}$/)
    const before = await serve(['--config', file], ENVIRONMENT)
    expect([await statusOf(before.baseURL, alice), await statusOf(before.baseURL, bob)]).toEqual([200, 200])

    const next = await key('rotate', 'alice', '--overlap', '2h', '--config', file)
    expect(await key('revoke', publicIdOf(bob), '--config', file)).toBe(`revoked bob ${publicIdOf(bob)}`)
    const after = await serve(['--config', file], ENVIRONMENT)
    const statuses = await Promise.all([alice, next, bob].map((secret) => statusOf(after.baseURL, secret)))
    expect(statuses).toEqual([200, 200, 401])

    expect(await key('revoke', 'alice', '--config', file)).toContain(`revoked alice ${publicIdOf(next)}`)
    const last = await serve(['--config', file], ENVIRONMENT)
    expect([await statusOf(last.baseURL, alice), await statusOf(last.baseURL, next)]).toEqual([401, 401])
  })

  it('are stored as digests, and the rest of the file stays as it was', async () => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    const secret = await key('create', '--config', file, '--id', 'alice')
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain(secret.slice(-40))
    const [before, after] = CONFIG_TEXT.split('[]')
    expect(text.startsWith(`${before}[\n    {\n      "id": "alice",\n`)).toBe(true)
    expect(text.endsWith(`\n    }\n  ]${after}`)).toBe(true)
    await key('revoke', 'alice', '--config', file)
    expect(await readFile(file, 'utf8')).toBe(CONFIG_TEXT)
  })

  it('are added to a file without `keys`', async () => {
    const file = await writeFileFor('config.json', '{"providers": {}}')
    await key('create', '--config', file, '--id', 'alice')
    expect(await rows(file)).toMatchObject([{ id: 'alice' }])
  })

  it('are written to the target of a symbolic link, which keeps its mode', async () => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    await chmod(file, 0o640)
    const link = join(dirname(file), 'link.json')
    await symlink(basename(file), link)
    await key('create', '--config', link, '--id', 'alice')
    expect(await rows(file)).toHaveLength(1)
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect(await readdir(dirname(file))).toEqual(['config.json', 'link.json'])
  })

  it('are all kept when they are created at the same time', async () => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    const ids = ['a', 'b', 'c', 'd', 'e', 'f']
    await Promise.all(ids.map((id) => key('create', '--config', file, '--id', id)))
    expect((await rows(file)).map(({ id }) => id).toSorted()).toEqual(ids)
  })

  it('are listed without their secrets', async () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    const file = await writeFileFor('config.json', {
      providers: {},
      keys: [
        { id: 'alice', publicId: 'abcdefghijkl', digest, group: 'vip', expiresAt: '2001-01-01T00:00:00Z' },
        { id: 'bob', key: `sk-mm-ABCDEFGHIJKL-${'s'.repeat(40)}` },
        { id: 'carol', key: variable('CAROL') },
      ],
    })
    expect(await key('list', '--config', file)).toBe(
      [
        'ID     PUBLIC ID     GROUP    EXPIRES               STATE',
        'alice  abcdefghijkl  vip      2001-01-01T00:00:00Z  expired',
        'bob    ABCDEFGHIJKL  default  never                 active',
        'carol  -             default  never                 active',
      ].join('\n'),
    )
  })

  it('are rotated with the same settings, while the old key expires', async () => {
    const file = await writeFileFor('config.json', {
      providers: {},
      keys: [
        { id: 'alice', key: 'sk-of-her-own', models: ['m'], allowedIps: ['::1'], expiresAt: '2099-01-01T00:00:00Z' },
        { id: 'bob', key: 'sk-of-his-own' },
      ],
    })
    const start = Date.now()
    const secret = await key('rotate', 'alice', '--overlap', '30m', '--config', file)
    const [oldRow, bob, newRow] = await rows(file)
    expect(Date.parse(String(oldRow?.expiresAt)) - start).toBeGreaterThanOrEqual(30 * 60_000)
    expect(Date.parse(String(oldRow?.expiresAt)) - Date.now()).toBeLessThanOrEqual(30 * 60_000)
    expect(bob).toEqual({ id: 'bob', key: 'sk-of-his-own' })
    expect(newRow).toEqual({
      id: 'alice',
      models: ['m'],
      allowedIps: ['::1'],
      publicId: publicIdOf(secret),
      digest: expect.stringMatching(/^sha256:/),
      expiresAt: '2099-01-01T00:00:00Z',
    })
  })

  it('are printed with the entry to paste, if there is no file', async () => {
    const printed = await key('create', '--id', 'alice', '--models', 'demo', '--group', 'vip')
    const [secret = '', ...row] = printed.split('\n')
    const keys = [JSON.parse(row.join('\n'))]
    const providers = { local: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1' } }
    const { baseURL } = await serve([
      '--config',
      await writeFileFor('pasted.json', { providers, keys, groups: { vip: {} } }),
    ])
    expect(await statusOf(baseURL, secret)).toBe(200)
  })

  it.each([
    [['create'], /^modelmount key create: --id ID is missing$/],
    [
      ['create', '--id', 'a', '--expires', 'soon'],
      /^--expires: not an ISO date and time, such as 2027-01-01T00:00:00Z$/,
    ],
    [['create', '--id', 'a', '--expires', '2001-01-01T00:00:00Z'], /^--expires: is in the past$/],
    [['create', '--id', 'a', '--group', 'pvi'], /^--group: no group "pvi": add it to `groups`$/],
    [['rotate', 'a', '--overlap', 'long'], /^--overlap: "long" is not a duration: write 90s, 15m, 24h or 7d$/],
    [['rotate', 'nobody'], /: no key of "nobody"$/],
    [['revoke', 'nobody'], /: no key of "nobody"$/],
  ])('%j is refused, and the file stays as it was', async (args, reason) => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    const { code, stdout, stderr } = await modelmount(['key', ...args, '--config', file])
    expect(stderr.split('\n')).toEqual([expect.stringMatching(reason), ''])
    expect([code, stdout]).toEqual([1, ''])
    expect(await readFile(file, 'utf8')).toBe(CONFIG_TEXT)
    expect(await readdir(dirname(file))).toEqual(['config.json'])
  })

  it('are not edited during another edit', async () => {
    const file = await writeFileFor('config.json', CONFIG_TEXT)
    await writeFile(`${file}.editing`, '')
    const { code, stderr } = await modelmount(['key', 'create', '--id', 'a', '--config', file])
    expect(stderr).toMatch(/config\.json\.editing: another edit is in progress: if there is none, remove this file\n$/)
    expect(code).toBe(1)
    expect(await readFile(file, 'utf8')).toBe(CONFIG_TEXT)
  })
})
