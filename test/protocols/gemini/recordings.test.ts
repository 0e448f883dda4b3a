import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { replayAsEvents } from '../../../src/chat/replay-answer.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { answering, eventsOf, folded, path, plain, writeAll, writing } from './setting.js'

/** Real traffic, kept outside the project. */
const folder = resolve(import.meta.dirname, '../../../../shared/conformance/recordings')
const here = existsSync(folder)
if (!here) console.warn(`skipped: no recordings at ${folder}`)

interface Row {
  readonly id: string
  readonly protocol: string
  readonly file: string
  readonly sse_file?: string
  readonly status: number
}

interface Recording {
  readonly request: { readonly body: unknown } | null
  readonly response: { readonly json?: unknown; readonly status: number }
}

const rows: readonly Row[] = here
  ? (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { recordings: Row[] }).recordings.filter(
      ({ protocol }) => protocol === 'gemini',
    )
  : []

function load({ file }: Row): Recording {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recording
}

/** What clients were seen to send. */
const clients = resolve(folder, '../../client-requests')
const seen: readonly { readonly client: string; readonly url: string; readonly body: unknown }[] = [
  'google-genai',
  'ai-sdk-google',
  'langchain-google-genai',
]
  .filter((client) => existsSync(join(clients, `${client}.json`)))
  .flatMap((client) => {
    const file = JSON.parse(readFileSync(join(clients, `${client}.json`), 'utf8')) as {
      captures: { requests: { url: string; body: unknown }[] }[]
    }
    return file.captures.flatMap(({ requests }) => requests.map(({ url, body }) => ({ client, url, body })))
  })
  .filter(({ url }) => /:(?:streamG|g)enerateContent/.test(url))

/** What an answer means to those who read it. */
function meaning({ choices, usage }: ChatAnswer): unknown {
  const told = choices.map(({ blocks, finish }) => ({
    text: blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
    thought: blocks.flatMap((block) => (block.type === 'reasoning' ? [block.text] : [])).join(''),
    calls: blocks.flatMap((block) => (block.type === 'tool-call' ? [[block.name, JSON.parse(block.input)]] : [])),
    media: blocks.flatMap((block) => (block.type === 'media' ? [block.source] : [])),
    reason: finish.reason,
  }))
  return plain({ told, usage })
}

describe.runIf(here)('recorded answers', () => {
  const answers = rows.filter(({ status, sse_file }) => status === 200 && !sse_file)
  it.each(answers)('$id: read, written and read again', (row) => {
    const body = Buffer.from(JSON.stringify(load(row).response.json))
    const answer = gemini.readAnswer(body, { id: 'abc' })
    expect(answer.upstreamError).toBeUndefined()
    const again = gemini.readAnswer(Buffer.from(gemini.writeAnswer(answer, answering())), { id: 'abc' })
    expect(meaning(again)).toEqual(meaning(answer))
    const events: Parameters<typeof writeAll>[0][number][] = []
    replayAsEvents(answer, (event) => events.push(event))
    expect(meaning(folded(eventsOf(writeAll(events)).events))).toEqual(meaning(answer))
    expect(gemini.readAnswerFacts(body)).toMatchObject({ usage: answer.usage })
  })

  const streams = rows.filter(({ sse_file }) => sse_file)
  it.each(streams)('$id: read, written and read again', (row) => {
    const { events, reader } = eventsOf(readFileSync(join(folder, row.sse_file as string), 'utf8'))
    const answer = folded(events)
    expect(answer.upstreamError).toBeUndefined()
    expect(reader.state).toBe('complete')
    expect(meaning(folded(eventsOf(writeAll(events)).events))).toEqual(meaning(answer))
  })

  const asked = rows.filter((row) => load(row).request?.body)
  it.each(asked)('$id: its request means the same when it is written again', (row) => {
    const body = Buffer.from(JSON.stringify(load(row).request?.body))
    const request = gemini.readRequest(body, path)
    const again = gemini.readRequest(Buffer.from(gemini.writeRequest(request, writing())), path)
    const says = ({ turns, ...rest }: typeof request): unknown =>
      plain({
        ...rest,
        turns: turns.map(({ role, blocks }) => ({
          role,
          blocks: blocks
            .filter(({ type }) => type !== 'reasoning')
            .map(({ native, at, ...block }) =>
              'signature' in block ? { ...block, signature: block.signature?.value } : block,
            ),
        })),
      })
    expect(says({ ...again, reasoning: request.reasoning })).toEqual(says(request))
  })

  it.each(seen)('$client: reads what it sends to $url', ({ body, url }) => {
    const bytes = Buffer.from(JSON.stringify(body))
    const [, id = '', operation = '', query = ''] = /models\/([^:]+):(\w+)\??(.*)/.exec(url) ?? []
    const facts = { id, stream: operation.startsWith('stream'), query }
    expect(gemini.readFacts(bytes, facts)).toMatchObject({ model: id, stream: facts.stream, usesOwnFraming: false })
    const request = gemini.readRequest(bytes, facts)
    expect(
      request.turns.flatMap(({ blocks }) => blocks).some((block) => block.type === 'text' && block.text !== ''),
    ).toBe(true)
  })

  it('reads the error', () => {
    const row = rows.find(({ status }) => status === 429) as Row
    const upstreamError = gemini.readError(429, Buffer.from(JSON.stringify(load(row).response.json)))
    expect(upstreamError).toMatchObject({ status: 429, type: 'RESOURCE_EXHAUSTED', retryAfterMs: 34_400, native: true })
  })
})
