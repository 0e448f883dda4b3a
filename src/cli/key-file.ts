import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { codeOf } from '../lib/codes.js'
import { isObject } from '../lib/values.js'
import { publicIdOf } from '../policies/access/api-keys.js'
import { fileFault, type JsonFile, readJsonFile } from './json-file.js'
import { type Member, membersOf } from './json-text.js'
import { isModule } from './load.js'
import { Refusal } from './refusal.js'

/** A row of a config file's `keys`, as it is written there: names of the environment are not filled in. */
export type KeyRow = Readonly<Record<string, unknown>>

/** The rows as they shall be, from the rows as they are. A row's group must be one of the file's. */
type Edit = (rows: readonly KeyRow[], groups: readonly string[]) => readonly KeyRow[]

/** What a config file's `keys` hold. */
export async function readKeyRows(file: string): Promise<readonly KeyRow[]> {
  return rowsOf(file, await readJsonFile(file))
}

/**
 * Changes a config file's `keys` and leaves every other byte of it alone. Readers see the old file or the new one. The
 * new one, before it takes the old one's place, keeps a second editor out: else one's revocation could undo another's.
 */
export async function editKeyRows(file: string, edit: Edit): Promise<void> {
  if (isModule(file)) throw new Refusal(`${file}: only JSON can be edited; make the key without --config and paste it`)
  const { place, mode, uid, gid } = await find(file)
  const beside = `${place}.editing`
  const next = await openAlone(beside)
  try {
    const found = await readJsonFile(file)
    const rows = edit(rowsOf(file, found), groupsIn(found))
    // The administrator who edits must not lock out the user that the relay runs as.
    if (process.getuid?.() === 0) await next.chown(uid, gid)
    await next.chmod(mode & 0o7777)
    await next.writeFile(withRows(found.text, keysIn(file, found.text), rows))
    await next.sync()
    await next.close()
    await rename(beside, place)
  } catch (error) {
    await next.close()
    await rm(beside, { force: true })
    throw error
  }
}

/** The part of a row's key that may be shown, if it has one. */
export function publicIdIn({ publicId, key }: KeyRow): string | undefined {
  if (typeof publicId === 'string') return publicId
  return typeof key === 'string' ? publicIdOf(key) : undefined
}

/** Behind a symbolic link, which a rename would replace. */
async function find(file: string): Promise<{ place: string; mode: number; uid: number; gid: number }> {
  try {
    const place = await realpath(file)
    const { mode, uid, gid } = await stat(place)
    return { place, mode, uid, gid }
  } catch (error) {
    throw fileFault(file, error)
  }
}

const TRIES = 20

async function openAlone(file: string): ReturnType<typeof open> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(file, 'wx', 0o600)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw new Refusal(`${file}: cannot be written (${codeOf(error)})`)
      if (attempt === TRIES) throw new Refusal(`${file}: another edit is under way; if none is, remove this file`)
    }
    await wait(100)
  }
}

function rowsOf(file: string, { value }: JsonFile): readonly KeyRow[] {
  if (!isObject(value)) throw new Refusal(`${file}: the config is not an object`)
  const rows = value.keys ?? []
  if (!Array.isArray(rows) || !rows.every(isObject)) throw new Refusal(`${file}: keys: not a list of objects`)
  return rows
}

function groupsIn({ value }: JsonFile): readonly string[] {
  return isObject(value) && isObject(value.groups) ? Object.keys(value.groups) : []
}

/** @throws {Refusal} for two fields of one name: the parser takes the last, other readers may take the first */
function keysIn(file: string, text: string): Member | undefined {
  const [keys, ...others] = membersOf(text).filter(({ name }) => name === 'keys')
  if (others.length > 0) throw new Refusal(`${file}: keys: given twice`)
  return keys
}

function withRows(text: string, keys: Member | undefined, rows: readonly KeyRow[]): string {
  const written = JSON.stringify(rows, null, 2).replaceAll('\n', '\n  ')
  if (keys) return text.slice(0, keys.start) + written + text.slice(keys.end)
  const end = text.lastIndexOf('}')
  const before = text.slice(0, end).trimEnd()
  return `${before}${before.endsWith('{') ? '' : ','}\n  "keys": ${written}\n${text.slice(end)}`
}
