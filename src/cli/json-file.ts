import { readFile } from 'node:fs/promises'
import { errorCodeOf } from '../lib/error-code.js'
import { parseJson } from '../lib/values.js'
import { CommandError } from './command.js'
import { findSyntaxError } from './json-text.js'

/** A JSON file: its text and its parsed value. */
export interface JsonFile {
  readonly text: string
  readonly value: unknown
}

/** @throws {CommandError} with the file, and with the line and column of a syntax error */
export async function readJsonFile(file: string): Promise<JsonFile> {
  const text = decode(file, await readBytes(file))
  const value = parseJson(text)
  // The message of JSON.parse quotes the text around the error, and a config has secrets.
  if (value === undefined) throw new CommandError(`${file}: not JSON${positionText(text)}`)
  return { text, value }
}

const READ_ERRORS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['EISDIR', 'is a directory'],
  ['EACCES', 'this user may not read it'],
])

/** The error for a file that cannot be read. */
export function readError(file: string, error: unknown): CommandError {
  const code = errorCodeOf(error)
  return new CommandError(`${file}: ${READ_ERRORS.get(code) ?? `cannot be read (${code})`}`)
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw readError(file, error)
  }
}

/** Also removes a byte order mark. */
function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CommandError(`${file}: not UTF-8`)
  }
}

function positionText(text: string): string {
  const position = findSyntaxError(text)
  if (position === undefined) return ''
  const lines = text.slice(0, position).split('\n')
  return ` at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
