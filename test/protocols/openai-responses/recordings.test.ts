import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { replayAsEvents } from '../../../src/chat/replay-answer.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import {
  answerContext,
  collectAnswer,
  read,
  readText,
  withoutUndefined,
  write,
  writeEvents,
} from './responses-fixtures.js'

const folder = resolve(import.meta.dirname, '../../../../shared/conformance/recordings')
const isThere = existsSync(join(folder, 'index.json'))
if (!isThere) console.log(`No recordings at ${folder}: they are not read.`)

interface Recording {
  readonly file: string
  readonly sse_file?: string
  readonly protocol: string
  readonly status: number
}

interface Traffic {
  readonly request: { readonly body: { readonly model: string; readonly [name: string]: unknown } } | null
  readonly response: { readonly json?: unknown }
}

function list(): Recording[] {
  if (!isThere) return []
  const { recordings } = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as { recordings: Recording[] }
  return recordings.filter(({ protocol }) => protocol === 'openai-responses')
}

const load = (file: string): Traffic => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Traffic
const good = list().filter(({ status }) => status === 200)
const asked = list().filter(({ file }) => load(file).request !== null)

function answerOf({ file, sse_file: stream }: Recording): ChatAnswer {
  if (!stream) return openaiResponses.readAnswer(Buffer.from(JSON.stringify(load(file).response.json)), { id: 'r1' })
  const { events, state } = readText(readFileSync(join(folder, stream), 'utf8'))
  expect(state).toBe('over')
  return collectAnswer(events)
}

/** What of an answer must survive. Seals are wrapped on the way. */
function meaning({ choices, usage }: ChatAnswer): unknown {
  const [choice] = choices
  const blocks = choice?.blocks.map((block) => {
    if (block.type === 'reasoning') return { type: block.type, text: block.text, sealed: block.signature !== undefined }
    return block.type === 'text' ? { type: block.type, text: block.text, citations: block.citations } : block
  })
  return withoutUndefined({ blocks, finish: choice?.finish, usage })
}

describe.skipIf(!isThere)('recorded traffic', () => {
  it.each(good)('$file is read, and written with the same meaning', (recording) => {
    const answer = answerOf(recording)
    expect(answer.upstreamError).toBeUndefined()
    expect(answer.usage?.output).toBeGreaterThan(0)
    const events: ChatEvent[] = []
    replayAsEvents(answer, (event) => events.push(event))
    const again = readText(writeEvents(events))
    expect(meaning(collectAnswer(again.events))).toEqual(meaning(answer))
    const whole = openaiResponses.writeAnswer(answer, answerContext())
    expect(meaning(openaiResponses.readAnswer(Buffer.from(whole), { id: 'r1' }))).toEqual(meaning(answer))
  })

  it.each(asked)('the request of $file keeps its meaning', ({ file }) => {
    const request = read(load(file).request?.body ?? {})
    const { body, losses } = write(request)
    expect(losses).toEqual([])
    expect(withoutUndefined({ ...read(body), native: undefined })).toMatchObject({ turns: expect.anything() })
    const words = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (key, inner) => (key === 'at' ? undefined : inner)))
    const { native: _, ...first } = request
    const { native: __, ...second } = read(body)
    // The relay sets fields explicitly that the client left out.
    const strict = (tools: typeof first.tools): unknown =>
      tools.map((tool) => (tool.type === 'function' ? { ...tool, strict: tool.strict ?? false } : tool))
    expect(words({ ...second, tools: strict(second.tools) })).toEqual(words({ ...first, tools: strict(first.tools) }))
  })
})
