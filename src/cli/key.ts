import { ConfigError, readConfig } from '../index.js'
import { generateKey } from '../policies/access/api-keys.js'
import type { Command, Values } from './command.js'
import { editKeyRows, type KeyRow, publicIdIn, readKeyRows } from './key-file.js'
import { Refusal } from './refusal.js'
import { table } from './table.js'

const RESTART = 'A running relay takes the change when it is started again.'

/** `modelmount key create`: a new key for a caller. Its secret is shown here and never again. */
export const createKey: Command = {
  options: ['config', 'id', 'group', 'models', 'expires'],
  takes: [],
  async run(values) {
    if (values.id === undefined) throw new Refusal('modelmount key create: --id ID is missing')
    const { key, publicId, digest } = generateKey()
    const row = { id: values.id, publicId, digest, ...settings(values) }
    const { config } = values
    if (config === undefined) checkRow(row, values.group === undefined ? [] : [values.group])
    else {
      await editKeyRows(config, (rows, groups) => {
        checkRow(row, groups)
        return [...rows, row]
      })
    }
    console.log(key)
    if (config === undefined) console.log(JSON.stringify(row, null, 2))
    const kept = config === undefined ? 'Paste the row into `keys` of your config.' : `Its digest is in ${config}.`
    console.error(`This key is not shown again. ${kept} ${RESTART}`)
  },
}

/** `modelmount key list`: who has keys, and until when. */
export const listKeys: Command = {
  options: ['config'],
  takes: [],
  async run({ config }) {
    const rows = await readKeyRows(fileOf(config, 'list'))
    const body = rows.map((row) => [
      text(row.id),
      publicIdIn(row) ?? '-',
      text(row.group ?? 'default'),
      text(row.expiresAt ?? 'never'),
      hasEnded(row) ? 'expired' : 'active',
    ])
    console.log(table([['ID', 'PUBLIC ID', 'GROUP', 'EXPIRES', 'STATE'], ...body]))
  },
}

/** `modelmount key revoke`: a caller's keys, or one by its public id, are good no more. */
export const revokeKey: Command = {
  options: ['config'],
  takes: ['ID or PUBLICID'],
  async run({ config }, [name = '']) {
    const file = fileOf(config, 'revoke')
    const gone: KeyRow[] = []
    await editKeyRows(file, (rows) => {
      gone.push(...rows.filter((row) => row.id === name || publicIdIn(row) === name))
      if (gone.length === 0) throw new Refusal(`${file}: no key of "${name}"`)
      return rows.filter((row) => !gone.includes(row))
    })
    for (const row of gone) console.log(`revoked ${text(row.id)} ${publicIdIn(row) ?? ''}`.trimEnd())
    console.error(RESTART)
  },
}

/** `modelmount key rotate`: a new key for a caller, while the old ones are still good for some time. */
export const rotateKey: Command = {
  options: ['config', 'overlap', 'expires'],
  takes: ['ID'],
  async run({ config, overlap = '24h', expires }, [id = '']) {
    const file = fileOf(config, 'rotate')
    const end = Date.now() + milliseconds(overlap)
    const { key, publicId, digest } = generateKey()
    await editKeyRows(file, (rows, groups) => {
      const model = rows.findLast((row) => row.id === id && !hasEnded(row)) ?? rows.findLast((row) => row.id === id)
      if (!model) throw new Refusal(`${file}: no key of "${id}"`)
      const { key: _key, digest: _digest, publicId: _publicId, expiresAt, ...copied } = model
      // An end that was set for the caller stays: to replace a key is not to prolong it, unless that is said.
      const ends = expires ?? (hasEnded(model) ? undefined : expiresAt)
      const row = { ...copied, id, publicId, digest, ...(ends === undefined ? {} : { expiresAt: ends }) }
      checkRow(row, groups)
      return [...rows.map((old) => (old.id === id ? endingBy(old, end) : old)), row]
    })
    console.log(key)
    console.error(`This key is not shown again. The old ones end at ${new Date(end).toISOString()}. ${RESTART}`)
  },
}

function fileOf(config: string | undefined, command: string): string {
  if (config === undefined) throw new Refusal(`modelmount key ${command}: --config FILE is missing`)
  return config
}

function settings({ group, models, expires }: Values): KeyRow {
  const names = models?.split(',').map((name) => name.trim())
  return {
    ...(group === undefined ? {} : { group }),
    ...(names === undefined ? {} : { models: names }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
  }
}

const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['id', '--id'],
  ['group', '--group'],
  ['models', '--models'],
  ['expiresAt', '--expires'],
])

/** Finds what a relay would find when it is started, and an end that has passed. @throws {ConfigError} in the options' names */
function checkRow(row: KeyRow, groups: readonly string[]): void {
  try {
    readConfig({ providers: {}, groups: Object.fromEntries(groups.map((name) => [name, {}])), keys: [row] })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const named = (path: string): string => path.replace(/^keys\[0\]\.(\w+)/, (_, field) => OPTIONS.get(field) ?? field)
    throw new ConfigError(error.faults.map(({ path, message }) => ({ path: named(path), message })))
  }
  if (hasEnded(row)) throw new Refusal('--expires: has passed already')
}

function hasEnded({ expiresAt }: KeyRow): boolean {
  return typeof expiresAt === 'string' && Date.parse(expiresAt) <= Date.now()
}

/** The same key, ending at that time unless it ends sooner by itself. */
function endingBy(row: KeyRow, end: number): KeyRow {
  const own = typeof row.expiresAt === 'string' ? Date.parse(row.expiresAt) : Number.POSITIVE_INFINITY
  return own <= end ? row : { ...row, expiresAt: new Date(end).toISOString() }
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

function milliseconds(overlap: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(overlap) ?? []
  const each = UNITS.get(unit)
  if (each === undefined) throw new Refusal(`--overlap: "${overlap}" is no time; write 90s, 15m, 24h or 7d`)
  return Number(number) * each
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '-'
}
