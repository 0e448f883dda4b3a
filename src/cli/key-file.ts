import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { errorCodeOf } from '../lib/error-code.js'
import { isObject } from '../lib/values.js'
import { publicIdOf } from '../policies/access/api-keys.js'
import { CommandError } from './command.js'
import { type JsonFile, readError, readJsonFile } from './json-file.js'
import { type JsonMember, topLevelMembers } from './json-text.js'
import { isModule } from './load-config.js'

/** An entry of `keys` in a config file, with its `${NAME}` not replaced. */
export type KeyRow = Readonly<Record<string, unknown>>

/** Returns the new entries. A key's group must be one of the file's groups. */
type Edit = (rows: readonly KeyRow[], groups: readonly string[]) => readonly KeyRow[]

/** Reads the `keys` of a config file. */
export async function readKeyRows(file: string): Promise<readonly KeyRow[]> {
  return rowsOf(file, await readJsonFile(file))
}

/**
 * Changes the `keys` of a config file, and leaves every other byte as it is. It writes a new file, and renames it over
 * the old one, so readers see one or the other. Until then the new file is also a lock: without it, two editors at the
 * same time could undo each other's change.
 */
export async function editKeyRows(file: string, edit: Edit): Promise<void> {
  if (isModule(file)) {
    throw new CommandError(`${file}: only JSON files can be edited: create the key without --config and paste it`)
  }
  const { path, mode, uid, gid } = await resolveFile(file)
  const newPath = `${path}.editing`
  const newFile = await createLockFile(newPath)
  try {
    const json = await readJsonFile(file)
    const rows = edit(rowsOf(file, json), groupNames(json))
    // If root edits the file, the relay's own user must still be able to read it.
    if (process.getuid?.() === 0) await newFile.chown(uid, gid)
    await newFile.chmod(mode & 0o7777)
    await newFile.writeFile(replaceRows(json.text, keysMember(file, json.text), rows))
    await newFile.sync()
    await newFile.close()
    await rename(newPath, path)
  } catch (error) {
    await newFile.close()
    await rm(newPath, { force: true })
    throw error
  }
}

/** The part of a key that may be shown. Undefined for a key that `modelmount` has not created. */
export function publicIdOfRow({ publicId, key }: KeyRow): string | undefined {
  if (typeof publicId === 'string') return publicId
  return typeof key === 'string' ? publicIdOf(key) : undefined
}

/** Follows symbolic links, because the rename would replace a link. */
async function resolveFile(file: string): Promise<{ path: string; mode: number; uid: number; gid: number }> {
  try {
    const path = await realpath(file)
    const { mode, uid, gid } = await stat(path)
    return { path, mode, uid, gid }
  } catch (error) {
    throw readError(file, error)
  }
}

const MAX_LOCK_ATTEMPTS = 20
const LOCK_RETRY_MS = 100

async function createLockFile(file: string): ReturnType<typeof open> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(file, 'wx', 0o600)
    } catch (error) {
      if (errorCodeOf(error) !== 'EEXIST') throw new CommandError(`${file}: cannot be written (${errorCodeOf(error)})`)
      if (attempt === MAX_LOCK_ATTEMPTS) {
        throw new CommandError(`${file}: another edit is in progress: if there is none, remove this file`)
      }
    }
    await wait(LOCK_RETRY_MS)
  }
}

function rowsOf(file: string, { value }: JsonFile): readonly KeyRow[] {
  if (!isObject(value)) throw new CommandError(`${file}: the config is not an object`)
  const rows = value.keys ?? []
  if (!Array.isArray(rows) || !rows.every(isObject)) throw new CommandError(`${file}: keys: not a list of objects`)
  return rows
}

function groupNames({ value }: JsonFile): readonly string[] {
  return isObject(value) && isObject(value.groups) ? Object.keys(value.groups) : []
}

/** @throws {CommandError} if the file has `keys` twice: JSON.parse takes the last one, other parsers the first */
function keysMember(file: string, text: string): JsonMember | undefined {
  const [keys, ...others] = topLevelMembers(text).filter(({ name }) => name === 'keys')
  if (others.length > 0) throw new CommandError(`${file}: keys: given twice`)
  return keys
}

function replaceRows(text: string, keys: JsonMember | undefined, rows: readonly KeyRow[]): string {
  const json = JSON.stringify(rows, null, 2).replaceAll('\n', '\n  ')
  if (keys) return text.slice(0, keys.start) + json + text.slice(keys.end)
  const end = text.lastIndexOf('}')
  const before = text.slice(0, end).trimEnd()
  return `${before}${before.endsWith('{') ? '' : ','}\n  "keys": ${json}\n${text.slice(end)}`
}
