import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConversationProtocol } from './protocol-setups.js'

const ROOT = join(import.meta.dirname, '..', 'cases')

/** The pairs of protocols that a row applies to. Default: all. */
interface PairFilter {
  readonly from?: readonly ConversationProtocol[]
  readonly to?: readonly ConversationProtocol[]
  /** The reason, for readers. */
  readonly why?: string
}

/** Paths of the losses. */
export interface ExpectedLoss extends PairFilter {
  readonly request?: readonly string[]
  /** For a whole answer, and for a stream without a `stream` of its own. */
  readonly answer?: readonly string[]
  readonly stream?: readonly string[]
}

/** Where the translated meaning differs from the case's own files: `is` replaces the value, or nothing does. */
export interface Difference extends PairFilter {
  readonly in: readonly ('request' | 'answer' | 'stream')[]
  /** Such as `turns.0.blocks.1.text`. */
  readonly at: string
  readonly is?: unknown
}

export interface ExpectedRefusal extends PairFilter {
  readonly status: number
  /** The path in the error's message. */
  readonly path: string
}

interface CaseFile {
  readonly title: string
  readonly hardcases: readonly string[]
  /** Protocols that cannot express the request, with the reason. */
  readonly cannotAsk?: Readonly<Partial<Record<ConversationProtocol, string>>>
  /** Protocols whose upstreams never answer like this, with the reason. Their clients may still receive it. */
  readonly cannotAnswer?: Readonly<Partial<Record<ConversationProtocol, string>>>
  /** The upstreams' names of the model. Default: that of the protocol's setup. */
  readonly models?: Readonly<Partial<Record<ConversationProtocol, string>>>
  /** The case whose answer, or request, this one shares. */
  readonly answerOf?: string
  readonly requestOf?: string
  readonly losses?: readonly ExpectedLoss[]
  readonly differences?: readonly Difference[]
  readonly refused?: readonly ExpectedRefusal[]
}

/** One conversation in every protocol. */
export interface Case extends Required<Omit<CaseFile, 'answerOf' | 'requestOf'>> {
  readonly name: string
  request(protocolId: ConversationProtocol): string | undefined
  answer(protocolId: ConversationProtocol): string | undefined
  /** A stream written by hand. */
  stream(protocolId: ConversationProtocol): Buffer | undefined
}

export const cases: readonly Case[] = readdirSync(ROOT).sort().map(readCase)

function readCase(name: string): Case {
  const file = JSON.parse(readFileSync(join(ROOT, name, 'case.json'), 'utf8')) as CaseFile
  const { answerOf = name, requestOf = name, ...rest } = file
  const text = (folder: string, file: string): string | undefined => read(folder, file)?.toString()
  return {
    name,
    cannotAsk: {},
    cannotAnswer: {},
    models: {},
    losses: [],
    differences: [],
    refused: [],
    ...rest,
    request: (protocolId) => text(requestOf, `request.${protocolId}.json`),
    answer: (protocolId) => text(answerOf, `answer.${protocolId}.json`),
    stream: (protocolId) => read(answerOf, `stream.${protocolId}.sse`),
  }
}

function read(folder: string, file: string): Buffer | undefined {
  const path = join(ROOT, folder, file)
  return existsSync(path) ? readFileSync(path) : undefined
}

/** The rows that apply to a pair. */
export function rowsFor<Row extends PairFilter>(
  rows: readonly Row[],
  from: ConversationProtocol,
  to: ConversationProtocol,
): Row[] {
  return rows.filter((row) => (row.from?.includes(from) ?? true) && (row.to?.includes(to) ?? true))
}
