import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { jsonBytes, read, readStreamText, write, writeEvents } from './messages-fixtures.js'

const HOME = new URL('../../../../shared/', import.meta.url)
const RECORDINGS = new URL('conformance/recordings/anthropic/', HOME)
const CAPTURES = new URL('client-requests/', HOME)

interface Recording {
  readonly protocol: string
  readonly request: { readonly body: Record<string, unknown> | null } | null
  readonly response: { readonly status: number; readonly json?: unknown; readonly sse_file?: string }
}

function recordings(): [string, Recording][] {
  if (!existsSync(RECORDINGS)) {
    console.info(`skipped: no recordings at ${RECORDINGS.pathname}`)
    return []
  }
  const names = readdirSync(RECORDINGS).filter((name) => name.endsWith('.json'))
  return names.map((name) => [name, JSON.parse(readFileSync(new URL(name, RECORDINGS), 'utf8')) as Recording])
}

/** The Messages requests among the captured requests of official clients. */
function captured(): [string, Record<string, unknown>][] {
  if (!existsSync(CAPTURES)) return []
  const names = readdirSync(CAPTURES).filter((name) => name.includes('anthropic') && name.endsWith('.json'))
  return names.flatMap((name) => {
    const { captures } = JSON.parse(readFileSync(new URL(name, CAPTURES), 'utf8')) as Captures
    const requests = captures.flatMap((capture) => capture.requests)
    return requests.flatMap((request, index): [string, Record<string, unknown>][] =>
      /\/messages(\?|$)/.test(request.url) && request.body ? [[`${name} ${index}`, request.body]] : [],
    )
  })
}

interface Captures {
  readonly captures: { readonly requests: { readonly url: string; readonly body?: Record<string, unknown> }[] }[]
}

/** What an answer means, whatever is carried along. */
function meaning({ choices, usage, upstreamError }: ChatAnswer): unknown {
  const blocks = choices[0]?.blocks ?? []
  const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('')
  const thought = blocks.flatMap((block) => (block.type === 'reasoning' ? [block.text] : [])).join('')
  const calls = blocks.flatMap((block) =>
    block.type === 'tool-call' ? [[block.id, block.name, JSON.parse(block.input)]] : [],
  )
  const kinds = blocks.map(({ type }) => type)
  return { text, thought, calls, kinds, finish: choices[0]?.finish, usage, upstreamError }
}

const all = recordings()
describe.skipIf(all.length === 0)('recorded answers', () => {
  const streamed = all.filter(([, { response }]) => response.sse_file !== undefined)
  // One of them is a recorder's own failure, and no answer of Anthropic's.
  const whole = all.filter(([, { response }]) => JSON.stringify(response.json)?.includes('"content"'))

  it.each(whole)('%s is read, and written with the same meaning', (_name, { response }) => {
    const answer = protocol.readAnswer(jsonBytes(response.json), { id: 'x' })
    expect(answer.upstreamError).toBeUndefined()
    const { content, usage } = response.json as { content: unknown[]; usage: { output_tokens: number } }
    expect([answer.choices[0]?.blocks.length, answer.usage?.output]).toEqual([content.length, usage.output_tokens])
    const again = protocol.readAnswer(Buffer.from(protocol.writeAnswer(answer, answeringNow())), { id: 'x' })
    expect(meaning(again)).toEqual(meaning(answer))
  })

  it.each(streamed)('%s is read, and streamed with the same meaning', (_name, { response }) => {
    const text = readFileSync(new URL((response.sse_file ?? '').replace(/^.*\//, ''), RECORDINGS), 'utf8')
    const { events, answer, state } = readStreamText(text)
    expect([state, answer.upstreamError]).toEqual(['over', undefined])
    expect(text.includes('event: content_block_start')).toBe(events.some(({ type }) => type === 'block'))
    const again = readStreamText(writeEvents(events as ChatEvent[]))
    expect(meaning(again.answer)).toEqual(meaning(answer))
  })

  const asked = all.flatMap(([name, { request }]): [string, Record<string, unknown>][] =>
    request?.body ? [[name, request.body]] : [],
  )
  it.each([...asked, ...captured()])('the request of %s is read, and written with the same meaning', (_name, sent) => {
    const { json, losses } = write(read({ ...sent, max_tokens: sent.max_tokens ?? 1 }))
    expect(losses).toEqual([])
    const again = write(read(json))
    expect(again.json).toEqual(json)
    expect(json.max_tokens).toBe(sent.max_tokens ?? 1)
    const turns = (messages: unknown) =>
      (messages as { role: string }[]).filter(({ role }) => role !== 'system').map(({ role }) => role)
    expect(turns(json.messages)).toEqual(turns(sent.messages))
  })
})

function answeringNow() {
  return {
    id: 'x',
    model: 'm',
    createdAt: 0,
    issuer: 'i',
    request: read({}),
    losses: { noEquivalent: () => undefined } as never,
  }
}
