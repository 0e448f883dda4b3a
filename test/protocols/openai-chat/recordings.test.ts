import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { answering, bytes, fold, path, readStream, stream, write } from './kit.js'

const folder = join(import.meta.dirname, '../../../../shared/conformance/recordings')
const isThere = existsSync(folder)
if (!isThere) console.log(`no recordings at ${folder}: skipped`)

interface Recording {
  readonly protocol: string
  readonly request: { readonly body: { readonly messages: { content?: unknown; tool_calls?: unknown }[] } } | null
  readonly response: { readonly status: number; readonly json?: unknown; readonly sse_file?: string }
}

const files: readonly string[] = isThere
  ? JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'))
      .recordings.filter(({ protocol }: Recording) => protocol === 'openai-chat')
      .map(({ file }: { file: string }) => file)
  : []

const load = (file: string): Recording => JSON.parse(readFileSync(join(folder, file), 'utf8'))

function said({ choices, usage }: ChatAnswer): unknown {
  const joined = (blocks: readonly Block[], type: string): string =>
    blocks.map((one) => (one.type === type && 'text' in one ? one.text : '')).join('')
  return {
    usage,
    choices: choices.map(({ blocks, finish }) => ({
      finish: finish.reason,
      text: joined(blocks, 'text'),
      reasoning: joined(blocks, 'reasoning'),
      calls: blocks.flatMap((one) => (one.type === 'tool-call' ? [[one.id, one.name, one.input]] : [])),
    })),
  }
}

describe.skipIf(!isThere)('real traffic', () => {
  it.each(files)('%s', (file) => {
    const { request, response } = load(file)
    const { status, json, sse_file } = response
    if (request?.body) {
      const { body, losses } = write(openaiChat.readRequest(bytes(request.body), path))
      expect(losses).toEqual([])
      // An answer of nothing is no message.
      const telling = request.body.messages.filter(({ content, tool_calls }) => content || tool_calls)
      expect(body.messages).toHaveLength(telling.length)
    }
    const to = answering({ wantsUsage: true })
    if (status >= 400) return expect(openaiChat.readError(status, bytes(json))).toMatchObject({ status, native: true })
    if (sse_file === undefined) {
      const answer = openaiChat.readAnswer(bytes(json), { id: 'r1' })
      expect(answer.upstreamError).toBeUndefined()
      expect(answer.usage?.input).toBeGreaterThan(0)
      expect(said(openaiChat.readAnswer(Buffer.from(openaiChat.writeAnswer(answer, to)), { id: 'r2' }))).toEqual(
        said(answer),
      )
      return
    }
    const text = readFileSync(join(folder, file, '..', sse_file.split('/').at(-1) ?? ''), 'utf8')
    const events: ChatEvent[] = readStream(text)
    const answer = fold(events)
    expect(answer.upstreamError).toBeUndefined()
    expect(answer.choices.length).toBeGreaterThan(0)
    expect(said(fold(readStream(stream(events, to))))).toEqual(said(answer))
  })

  it('are some', () => expect(files.length).toBeGreaterThan(5))
})
