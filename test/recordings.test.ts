import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../src/chat/answer.js'
import type { Block, MediaBlock, MediaSource } from '../src/chat/blocks.js'
import { AnswerCollector } from '../src/chat/collect-answer.js'
import type { ChatEvent } from '../src/chat/events.js'
import { fitTools } from '../src/chat/fit-tools.js'
import { Losses } from '../src/chat/losses.js'
import type { ChatRequest } from '../src/chat/request.js'
import { readRecords, type SseRecord } from '../src/lib/sse.js'
import { isObject, parseJson } from '../src/lib/values.js'
import { protocolOf } from '../src/protocols/index.js'
import type { AnswerContext, Protocol, ProtocolId } from '../src/protocols/protocol.js'

/** Real traffic of all four protocols, kept outside the repository. */
const folder = resolve(import.meta.dirname, '../../shared/conformance/recordings')
const hasRecordings = existsSync(folder)
if (!hasRecordings) console.warn(`skipped: there are no recordings at ${folder}`)

interface Row {
  readonly id: string
  readonly protocol: ProtocolId
  readonly status: number
  readonly features: readonly string[]
  readonly file: string
  readonly sse_file?: string
}

interface Recording {
  readonly request: { readonly url_path: string; readonly body: unknown } | null
  readonly response: { readonly json?: unknown }
}

const protocolIds = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
const rows: readonly Row[] = hasRecordings
  ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { recordings: Row[] }).recordings.filter(
      ({ protocol, status }) => protocolIds.some((id) => id === protocol) && status < 400,
    )
  : []
const pairs = rows.flatMap((row) => protocolIds.filter((id) => id !== row.protocol).map((id) => ({ ...row, to: id })))

const emptyRequest: ChatRequest = { stream: true, turns: [], tools: [], stop: [], wantsUsage: true }
const readOptions = { id: 'r1' }

function answerContext(to: ProtocolId): AnswerContext {
  return { id: 'r1', model: 'm', createdAt: 1, issuer: 'here', request: emptyRequest, losses: new Losses(to) }
}

function load(row: Row): Recording {
  return JSON.parse(readFileSync(join(folder, row.file), 'utf8')) as Recording
}

/** The content of the first choice: only two of the protocols have more. */
function summarize({ choices: [choice], usage }: ChatAnswer): object {
  const { blocks = [], finish } = choice ?? {}
  return {
    text: textOf(blocks, 'text'),
    reasoning: textOf(blocks, 'reasoning'),
    calls: blocks.flatMap((block) => (block.type === 'tool-call' ? [[block.name, inputOf(block)]] : [])),
    // Not every protocol distinguishes a full context window, a refusal and a filter.
    finish: finish && (SAME_REASONS.get(finish.reason) ?? finish.reason),
    input: usage?.input,
    cached: usage?.cachedInput,
    output: usage?.output,
    reasoned: usage?.reasoning,
  }
}

const SAME_REASONS = new Map([
  ['context', 'length'],
  ['filter', 'refusal'],
  ['pause', 'stop'],
])

function textOf(blocks: readonly Block[], type: 'text' | 'reasoning'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function inputOf({ input }: { readonly input: string }): unknown {
  const value = parseJson(input)
  return isObject(value) && Object.keys(value).join() === '_raw' ? value._raw : (value ?? input)
}

function read(protocol: Protocol, records: readonly SseRecord[]): { events: ChatEvent[]; state: string } {
  const events: ChatEvent[] = []
  const reader = protocol.readStream(readOptions)
  for (const record of records) reader.read(record, (event) => events.push(event))
  return { events, state: reader.state }
}

function collectAnswer(events: readonly ChatEvent[]): ChatAnswer {
  const collector = new AnswerCollector()
  for (const event of events) collector.push(event)
  return collector.answer
}

describe.runIf(hasRecordings)('real answers, translated and read back', () => {
  it.each(pairs.filter(({ sse_file }) => !sse_file))('$id → $to', (row) => {
    const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
    const answer = from.readAnswer(Buffer.from(JSON.stringify(load(row).response.json)), readOptions)
    expect(answer.upstreamError).toBeUndefined()
    const readBack = to.readAnswer(Buffer.from(to.writeAnswer(answer, answerContext(row.to))), readOptions)
    expect(summarize(readBack)).toMatchObject(expected(row, answer))
  })

  it.each(pairs.filter(({ sse_file }) => sse_file))('$id ⇢ $to', (row) => {
    const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
    const { events, state } = read(from, readRecords(readFileSync(join(folder, row.sse_file ?? ''))))
    const failed = events.some(({ type }) => type === 'error')
    expect(failed ? 'open' : state).not.toBe(failed ? '' : 'open')
    if (failed) return
    const writer = to.writeStream(answerContext(row.to))
    const text = events.map((event) => writer.write(event)).join('') + writer.end()
    expect(summarize(collectAnswer(read(to, readRecords(Buffer.from(text))).events))).toMatchObject(
      expected(row, collectAnswer(events)),
    )
  })

  /**
   * Missing usage may become 0, because two of the protocols require numbers. Only Anthropic has turns that stop after a
   * tool call made by code at the provider.
   */
  function expected(row: Row, answer: ChatAnswer): object {
    const { input, cached, output, reasoned, ...rest } = summarize(answer) as Record<string, unknown>
    const withUsage = { ...rest, ...(answer.usage && { input, cached, output, reasoned }) } as {
      calls: unknown[]
      finish: string
    }
    return withUsage.calls.length > 0 && withUsage.finish === 'stop' && row.protocol === 'anthropic-messages'
      ? { ...withUsage, finish: expect.stringMatching(/stop|tool-calls/) }
      : withUsage
  }
})

/** Features of recordings that some protocol cannot express. */
const UNTRANSLATABLE = /^(?:audio_input|video_input|builtin_tool|n>1|previous_response_id)$/

describe.runIf(hasRecordings)('real requests, translated and read back', () => {
  const requests = pairs.filter((row) => isObject(load(row).request?.body))
  it.each(requests.filter(({ features }) => !features.some((feature) => UNTRANSLATABLE.test(feature))))(
    '$id → $to',
    (row) => {
      const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
      const { url_path: path, body } = load(row).request ?? { url_path: '', body: {} }
      const facts = { id: 'm', stream: path.includes('stream'), query: '' }
      const request = from.readRequest(Buffer.from(JSON.stringify({ model: 'm', ...(body as object) })), facts)
      const fitted = fitTools(request, to.traits, new Losses(row.to)).request
      const losses = new Losses(row.to)
      const dialect = { sampling: 'any', reasoning: 'none' } as const
      const options = { model: 'm', stream: request.stream, issuer: 'here', dialect, losses }
      const readBack = to.readRequest(Buffer.from(to.writeRequest(fitted, options)), facts)
      expect(summarizeRequest(readBack, losses)).toMatchObject(summarizeRequest(fitted, losses))
    },
  )
})

/** The content of a request, without its losses. */
function summarizeRequest(request: ChatRequest, { list }: Losses): object {
  const isLost = (name: string | undefined): boolean =>
    list.some(({ path }) => path === name || path.startsWith(`${name}.`))
  const { turns, tools, toolChoice, maxOutputTokens, temperature, topP, stop, format } = request
  return {
    system: turns
      .filter(({ role }) => role === 'system')
      .map(({ blocks }) => textOf(blocks, 'text'))
      .join('')
      .replace(/\s/g, ''),
    said: joinTexts(
      turns.flatMap(({ role, blocks }) =>
        role === 'system' ? [] : blocks.flatMap((block) => (isLost(block.at) ? [] : summarizeBlock(role, block))),
      ),
    ),
    tools: tools.flatMap((tool) =>
      tool.type === 'function' ? [[tool.name, tool.description ?? '', propertiesOf(tool.schema)]] : [],
    ),
    choice: tools.length > 0 ? JSON.stringify(toolChoice ?? { type: 'auto' }) : undefined,
    // Anthropic requires a cap, so the relay adds one.
    ...(maxOutputTokens !== undefined && { cap: maxOutputTokens }),
    temperature: isLost('temperature') ? undefined : temperature,
    topP: isLost('topP') ? undefined : topP,
    stop: isLost('stop') ? [] : stop,
    format: isLost('format') || format?.type === 'text' ? undefined : format?.type,
  }
}

/** Joins consecutive texts of one role, as some protocols do. */
function joinTexts(said: readonly unknown[][]): unknown[][] {
  const joined: unknown[][] = []
  for (const entry of said) {
    const last = joined.at(-1)
    const continuesLast = entry.length === 2 && last?.length === 2 && last[0] === entry[0]
    if (continuesLast) last[1] = `${last[1]}${entry[1]}`
    else joined.push([...entry])
  }
  return joined
}

function summarizeBlock(role: string, block: Block): unknown[][] {
  if (block.type === 'text' || block.type === 'refusal') return block.text.trim() ? [[role, block.text.trim()]] : []
  if (block.type === 'tool-call') return [[role, block.name, inputOf(block)]]
  if (block.type === 'tool-result')
    return [[role, 'result', ...block.blocks.flatMap((inner) => summarizeBlock(role, inner))]]
  if (block.type !== 'media') return []
  // A plain-text document becomes text in protocols without such documents.
  return block.source.type === 'text' || isPlain(block) ? [[role, textIn(block.source)]] : [[role, block.kind]]
}

function propertiesOf(schema: unknown): string[] {
  return isObject(schema) && isObject(schema.properties) ? Object.keys(schema.properties) : []
}

function isPlain({ mime, source }: MediaBlock): boolean {
  return mime === 'text/plain' && source.type === 'bytes'
}

function textIn(source: MediaSource): string {
  if (source.type === 'bytes') return Buffer.from(source.data, 'base64').toString().trim()
  return source.type === 'text' ? source.text.trim() : ''
}
