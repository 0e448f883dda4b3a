import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Language } from './languages.js'

const ROOT = join(import.meta.dirname, '..', 'cases')

/** Which pairs a row speaks of: all of them where it names no language. */
interface Pairs {
  readonly from?: readonly Language[]
  readonly to?: readonly Language[]
  /** Why it is so, for the reader. */
  readonly why?: string
}

/** What is told as lost, by its path. */
export interface Losing extends Pairs {
  readonly request?: readonly string[]
  /** Of a whole answer; of a stream too, unless `stream` says otherwise. */
  readonly answer?: readonly string[]
  readonly stream?: readonly string[]
}

/** Where the meaning is another than the case's own spelling has it: `is` stands there instead, or nothing. */
export interface Differing extends Pairs {
  readonly in: readonly ('request' | 'answer' | 'stream')[]
  /** As `turns.0.blocks.1.text`. */
  readonly at: string
  readonly is?: unknown
}

export interface Refusing extends Pairs {
  readonly status: number
  /** Named in the error's message. */
  readonly path: string
}

interface CaseFile {
  readonly title: string
  readonly hardcases: readonly string[]
  /** Languages that cannot ask so, each with the reason. */
  readonly absent?: Readonly<Partial<Record<Language, string>>>
  /** Languages in which no upstream answers so, each with the reason; their callers may get it all the same. */
  readonly mute?: Readonly<Partial<Record<Language, string>>>
  /** The upstreams' names of the model, where another than the usual is meant. */
  readonly models?: Readonly<Partial<Record<Language, string>>>
  /** The case whose answer, or whose request, is this one's. */
  readonly answerOf?: string
  readonly requestOf?: string
  readonly losses?: readonly Losing[]
  readonly differs?: readonly Differing[]
  readonly refused?: readonly Refusing[]
}

/** One conversation, spelled in each language. */
export interface Case extends Required<Omit<CaseFile, 'answerOf' | 'requestOf'>> {
  readonly name: string
  request(language: Language): string | undefined
  answer(language: Language): string | undefined
  /** A stream written by hand. */
  stream(language: Language): Buffer | undefined
}

export const cases: readonly Case[] = readdirSync(ROOT).sort().map(readCase)

function readCase(name: string): Case {
  const file = JSON.parse(readFileSync(join(ROOT, name, 'case.json'), 'utf8')) as CaseFile
  const { answerOf = name, requestOf = name, ...rest } = file
  const text = (folder: string, file: string): string | undefined => read(folder, file)?.toString()
  return {
    name,
    absent: {},
    mute: {},
    models: {},
    losses: [],
    differs: [],
    refused: [],
    ...rest,
    request: (language) => text(requestOf, `request.${language}.json`),
    answer: (language) => text(answerOf, `answer.${language}.json`),
    stream: (language) => read(answerOf, `stream.${language}.sse`),
  }
}

function read(folder: string, file: string): Buffer | undefined {
  const path = join(ROOT, folder, file)
  return existsSync(path) ? readFileSync(path) : undefined
}

/** The rows that speak of a pair. */
export function rowsFor<Row extends Pairs>(rows: readonly Row[], from: Language, to: Language): Row[] {
  return rows.filter((row) => (row.from?.includes(from) ?? true) && (row.to?.includes(to) ?? true))
}
