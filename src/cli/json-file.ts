import { readFile } from 'node:fs/promises'
import { codeOf } from '../lib/codes.js'
import { parseJson } from '../lib/values.js'
import { faultIn } from './json-text.js'
import { Refusal } from './refusal.js'

/** A JSON file: its text, and what that says. */
export interface JsonFile {
  readonly text: string
  readonly value: unknown
}

/** @throws {Refusal} naming the file, and the line and column where it stops being JSON */
export async function readJsonFile(file: string): Promise<JsonFile> {
  const text = decode(file, await readBytes(file))
  const value = parseJson(text)
  // The parser's own message is not used: it quotes the text around the fault, and a config holds secrets.
  if (value === undefined) throw new Refusal(`${file}: not JSON${placeOf(text)}`)
  return { text, value }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file'],
  ['EISDIR', 'is a directory'],
  ['EACCES', 'may not be read'],
])

/** Why a file could not be read, in a user's words. */
export function fileFault(file: string, error: unknown): Refusal {
  const code = codeOf(error)
  return new Refusal(`${file}: ${REASONS.get(code) ?? `cannot be read (${code})`}`)
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw fileFault(file, error)
  }
}

/** Without the byte order mark that Windows editors put first. */
function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal(`${file}: not UTF-8`)
  }
}

function placeOf(text: string): string {
  const at = faultIn(text)
  if (at === undefined) return ''
  const lines = text.slice(0, at).split('\n')
  return ` at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
