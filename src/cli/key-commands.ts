import { ConfigError, readConfig } from '../index.js'
import { generateKey } from '../policies/access/api-keys.js'
import { type Command, CommandError, type CommandOptions, formatTable } from './command.js'
import { editKeyRows, type KeyRow, publicIdOfRow, readKeyRows } from './key-file.js'

const RESTART_NOTE = 'A running relay uses the change after a restart.'

/** `modelmount key create`: creates a key for a caller, and prints its secret once. */
export const createKey: Command = {
  options: ['config', 'id', 'group', 'models', 'expires'],
  argumentNames: [],
  async run(options) {
    const { config, id, group } = options
    if (id === undefined) throw new CommandError('modelmount key create: --id ID is missing')
    const { key, publicId, digest } = generateKey()
    const row = { id, publicId, digest, ...rowSettings(options) }
    if (config === undefined) checkRow(row, group === undefined ? [] : [group])
    else {
      await editKeyRows(config, (rows, groups) => {
        checkRow(row, groups)
        return [...rows, row]
      })
    }
    console.log(key)
    if (config === undefined) console.log(JSON.stringify(row, null, 2))
    const note = config === undefined ? 'Paste the entry into `keys` of your config.' : `Its digest is in ${config}.`
    console.error(`This key is not shown again. ${note} ${RESTART_NOTE}`)
  },
}

/** `modelmount key list`: prints the keys without their secrets. */
export const listKeys: Command = {
  options: ['config'],
  argumentNames: [],
  async run({ config }) {
    const rows = await readKeyRows(requireFile(config, 'list'))
    const lines = rows.map((row) => [
      cell(row.id),
      publicIdOfRow(row) ?? '-',
      cell(row.group ?? 'default'),
      cell(row.expiresAt ?? 'never'),
      isExpired(row) ? 'expired' : 'active',
    ])
    console.log(formatTable([['ID', 'PUBLIC ID', 'GROUP', 'EXPIRES', 'STATE'], ...lines]))
  },
}

/** `modelmount key revoke`: removes all keys of a caller, or one key by its public id. */
export const revokeKey: Command = {
  options: ['config'],
  argumentNames: ['ID or PUBLICID'],
  async run({ config }, [name = '']) {
    const file = requireFile(config, 'revoke')
    const revoked: KeyRow[] = []
    await editKeyRows(file, (rows) => {
      revoked.push(...rows.filter((row) => row.id === name || publicIdOfRow(row) === name))
      if (revoked.length === 0) throw new CommandError(`${file}: no key of "${name}"`)
      return rows.filter((row) => !revoked.includes(row))
    })
    for (const row of revoked) console.log(`revoked ${cell(row.id)} ${publicIdOfRow(row) ?? ''}`.trimEnd())
    console.error(RESTART_NOTE)
  },
}

/** `modelmount key rotate`: adds a new key for a caller. The old keys stay valid for a while. */
export const rotateKey: Command = {
  options: ['config', 'overlap', 'expires'],
  argumentNames: ['ID'],
  async run({ config, overlap = '24h', expires }, [id = '']) {
    const file = requireFile(config, 'rotate')
    const oldKeysEnd = Date.now() + parseDuration(overlap)
    const { key, publicId, digest } = generateKey()
    await editKeyRows(file, (rows, groups) => {
      const oldRow = rows.findLast((row) => row.id === id && !isExpired(row)) ?? rows.findLast((row) => row.id === id)
      if (!oldRow) throw new CommandError(`${file}: no key of "${id}"`)
      const { key: _key, digest: _digest, publicId: _publicId, expiresAt: oldExpiry, ...settings } = oldRow
      // A rotation must not extend the caller's access. So the expiry stays, unless --expires changes it.
      const expiresAt = expires ?? (isExpired(oldRow) ? undefined : oldExpiry)
      const row = { ...settings, id, publicId, digest, ...(expiresAt === undefined ? {} : { expiresAt }) }
      checkRow(row, groups)
      return [...rows.map((other) => (other.id === id ? withLatestExpiry(other, oldKeysEnd) : other)), row]
    })
    console.log(key)
    console.error(
      `This key is not shown again. The old keys expire at ${new Date(oldKeysEnd).toISOString()}. ${RESTART_NOTE}`,
    )
  },
}

function requireFile(config: string | undefined, command: string): string {
  if (config === undefined) throw new CommandError(`modelmount key ${command}: --config FILE is missing`)
  return config
}

function rowSettings({ group, models, expires }: CommandOptions): KeyRow {
  const names = models?.split(',').map((name) => name.trim())
  return {
    ...(group === undefined ? {} : { group }),
    ...(names === undefined ? {} : { models: names }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
  }
}

const OPTION_NAMES: ReadonlyMap<string, string> = new Map([
  ['id', '--id'],
  ['group', '--group'],
  ['models', '--models'],
  ['expiresAt', '--expires'],
])

/**
 * Checks an entry as the relay would at start, and that it has not expired yet.
 *
 * @throws {ConfigError} with the names of the command's options
 */
function checkRow(row: KeyRow, groups: readonly string[]): void {
  try {
    readConfig({ providers: {}, groups: Object.fromEntries(groups.map((name) => [name, {}])), keys: [row] })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const optionPath = (path: string): string =>
      path.replace(/^keys\[0\]\.(\w+)/, (_, field) => OPTION_NAMES.get(field) ?? field)
    throw new ConfigError(error.faults.map(({ path, message }) => ({ path: optionPath(path), message })))
  }
  if (isExpired(row)) throw new CommandError('--expires: is in the past')
}

function isExpired({ expiresAt }: KeyRow): boolean {
  return typeof expiresAt === 'string' && Date.parse(expiresAt) <= Date.now()
}

/** The same key, which expires at this time (epoch ms) at the latest. */
function withLatestExpiry(row: KeyRow, latest: number): KeyRow {
  const expiry = typeof row.expiresAt === 'string' ? Date.parse(row.expiresAt) : Number.POSITIVE_INFINITY
  return expiry <= latest ? row : { ...row, expiresAt: new Date(latest).toISOString() }
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Returns ms. */
function parseDuration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  const unitMs = UNIT_MS.get(unit)
  if (unitMs === undefined) throw new CommandError(`--overlap: "${text}" is not a duration: write 90s, 15m, 24h or 7d`)
  return Number(number) * unitMs
}

function cell(value: unknown): string {
  return typeof value === 'string' ? value : '-'
}
