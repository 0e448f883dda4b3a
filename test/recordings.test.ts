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

/** Real traffic of all four languages, kept outside the project. */
const folder = resolve(import.meta.dirname, '../../shared/conformance/recordings')
const isHere = existsSync(folder)
if (!isHere) console.warn(`skipped: there are no recordings at ${folder}`)

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

const languages = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
const rows: readonly Row[] = isHere
  ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { recordings: Row[] }).recordings.filter(
      ({ protocol, status }) => languages.some((id) => id === protocol) && status < 400,
    )
  : []
const pairs = rows.flatMap((row) => languages.filter((id) => id !== row.protocol).map((id) => ({ ...row, to: id })))

const asked: ChatRequest = { stream: true, turns: [], tools: [], stop: [], wantsUsage: true }
const reading = { id: 'r1' }

function answering(to: ProtocolId): AnswerContext {
  return { id: 'r1', model: 'm', createdAt: 1, issuer: 'here', request: asked, losses: new Losses(to) }
}

function load(row: Row): Recording {
  return JSON.parse(readFileSync(join(folder, row.file), 'utf8')) as Recording
}

/** What an answer says: the first choice, since only two of the languages have more. */
function said({ choices: [choice], usage }: ChatAnswer): object {
  const { blocks = [], finish } = choice ?? {}
  return {
    text: joined(blocks, 'text'),
    reasoning: joined(blocks, 'reasoning'),
    calls: blocks.flatMap((block) => (block.type === 'tool-call' ? [[block.name, inputOf(block)]] : [])),
    // The languages tell a full window, the model's refusal and its provider's filter apart only in part.
    finish: finish && (ALIKE.get(finish.reason) ?? finish.reason),
    input: usage?.input,
    cached: usage?.cachedInput,
    output: usage?.output,
    reasoned: usage?.reasoning,
  }
}

const ALIKE = new Map([
  ['context', 'length'],
  ['filter', 'refusal'],
  ['pause', 'stop'],
])

function joined(blocks: readonly Block[], type: 'text' | 'reasoning'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function inputOf({ input }: { readonly input: string }): unknown {
  const value = parseJson(input)
  return isObject(value) && Object.keys(value).join() === '_raw' ? value._raw : (value ?? input)
}

function read(language: Protocol, records: readonly SseRecord[]): { events: ChatEvent[]; state: string } {
  const events: ChatEvent[] = []
  const reader = language.readStream(reading)
  for (const record of records) reader.read(record, (event) => events.push(event))
  return { events, state: reader.state }
}

function folded(events: readonly ChatEvent[]): ChatAnswer {
  const fold = new AnswerCollector()
  for (const event of events) fold.push(event)
  return fold.answer
}

describe.runIf(isHere)('real answers, told in another language and read back', () => {
  it.each(pairs.filter(({ sse_file }) => !sse_file))('$id → $to', (row) => {
    const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
    const answer = from.readAnswer(Buffer.from(JSON.stringify(load(row).response.json)), reading)
    expect(answer.upstreamError).toBeUndefined()
    const again = to.readAnswer(Buffer.from(to.writeAnswer(answer, answering(row.to))), reading)
    expect(said(again)).toMatchObject(expected(row, answer))
  })

  it.each(pairs.filter(({ sse_file }) => sse_file))('$id ⇢ $to', (row) => {
    const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
    const { events, state } = read(from, readRecords(readFileSync(join(folder, row.sse_file ?? ''))))
    const failed = events.some(({ type }) => type === 'error')
    expect(failed ? 'open' : state).not.toBe(failed ? '' : 'open')
    if (failed) return
    const writer = to.writeStream(answering(row.to))
    const text = events.map((event) => writer.write(event)).join('') + writer.end()
    expect(said(folded(read(to, readRecords(Buffer.from(text))).events))).toMatchObject(expected(row, folded(events)))
  })

  /**
   * Usage that was not told may be none or nothing: two of the languages must have numbers. A turn that calls a tool from
   * code at its provider has no word of its own elsewhere.
   */
  function expected(row: Row, answer: ChatAnswer): object {
    const { input, cached, output, reasoned, ...rest } = said(answer) as Record<string, unknown>
    const meant = { ...rest, ...(answer.usage && { input, cached, output, reasoned }) } as {
      calls: unknown[]
      finish: string
    }
    return meant.calls.length > 0 && meant.finish === 'stop' && row.protocol === 'anthropic-messages'
      ? { ...meant, finish: expect.stringMatching(/stop|tool-calls/) }
      : meant
  }
})

/** What languages have no word for, by the features that the recordings are marked with. */
const UNSAYABLE = /^(?:audio_input|video_input|builtin_tool|n>1|previous_response_id)$/

describe.runIf(isHere)('real requests, told in another language and read back', () => {
  const requests = pairs.filter((row) => isObject(load(row).request?.body))
  it.each(requests.filter(({ features }) => !features.some((feature) => UNSAYABLE.test(feature))))(
    '$id → $to',
    (row) => {
      const [from, to] = [protocolOf(row.protocol), protocolOf(row.to)]
      const { url_path: path, body } = load(row).request ?? { url_path: '', body: {} }
      const facts = { id: 'm', stream: path.includes('stream'), query: '' }
      const request = from.readRequest(Buffer.from(JSON.stringify({ model: 'm', ...(body as object) })), facts)
      const fitted = fitTools(request, to.traits, new Losses(row.to)).request
      const losses = new Losses(row.to)
      const dialect = { sampling: 'any', reasoning: 'none' } as const
      const writing = { model: 'm', stream: request.stream, issuer: 'here', dialect, losses }
      const again = to.readRequest(Buffer.from(to.writeRequest(fitted, writing)), facts)
      expect(asks(again, losses)).toMatchObject(asks(fitted, losses))
    },
  )
})

/** What a request asks, without what could not be said. */
function asks(request: ChatRequest, { list }: Losses): object {
  const lost = (name: string | undefined): boolean =>
    list.some(({ path }) => path === name || path.startsWith(`${name}.`))
  const { turns, tools, toolChoice, maxOutputTokens, temperature, topP, stop, format } = request
  return {
    system: turns
      .filter(({ role }) => role === 'system')
      .map(({ blocks }) => joined(blocks, 'text'))
      .join('')
      .replace(/\s/g, ''),
    said: runs(
      turns.flatMap(({ role, blocks }) =>
        role === 'system' ? [] : blocks.flatMap((block) => (lost(block.at) ? [] : spoken(role, block))),
      ),
    ),
    tools: tools.flatMap((tool) =>
      tool.type === 'function' ? [[tool.name, tool.description ?? '', propertiesOf(tool.schema)]] : [],
    ),
    choice: tools.length > 0 ? JSON.stringify(toolChoice ?? { type: 'auto' }) : undefined,
    // One of the languages must have a cap, and is given one.
    ...(maxOutputTokens !== undefined && { cap: maxOutputTokens }),
    temperature: lost('temperature') ? undefined : temperature,
    topP: lost('topP') ? undefined : topP,
    stop: lost('stop') ? [] : stop,
    format: lost('format') || format?.type === 'text' ? undefined : format?.type,
  }
}

/** Texts of one side behind one another are one text to some. */
function runs(said: readonly unknown[][]): unknown[][] {
  const joined: unknown[][] = []
  for (const one of said) {
    const last = joined.at(-1)
    const goesOn = one.length === 2 && last?.length === 2 && last[0] === one[0]
    if (goesOn) last[1] = `${last[1]}${one[1]}`
    else joined.push([...one])
  }
  return joined
}

function spoken(role: string, block: Block): unknown[][] {
  if (block.type === 'text' || block.type === 'refusal') return block.text.trim() ? [[role, block.text.trim()]] : []
  if (block.type === 'tool-call') return [[role, block.name, inputOf(block)]]
  if (block.type === 'tool-result') return [[role, 'result', ...block.blocks.flatMap((inner) => spoken(role, inner))]]
  if (block.type !== 'media') return []
  // A document of plain text is text where there are no such documents.
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
