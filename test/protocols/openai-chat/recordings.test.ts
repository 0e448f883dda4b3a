import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatEvent } from '../../../src/chat/events.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'
import { answerContext, collectAnswer, noPath, readStream, toBytes, write, writeStream } from './chat-fixtures.js'

const folder = join(import.meta.dirname, '../../../../shared/conformance/recordings')
const hasRecordings = existsSync(folder)
if (!hasRecordings) console.log(`no recordings at ${folder}: skipped`)

interface Recording {
  readonly protocol: string
  readonly request: { readonly body: { readonly messages: { content?: unknown; tool_calls?: unknown }[] } } | null
  readonly response: { readonly status: number; readonly json?: unknown; readonly sse_file?: string }
}

const files: readonly string[] = hasRecordings
  ? JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'))
      .recordings.filter(({ protocol }: Recording) => protocol === 'openai-chat')
      .map(({ file }: { file: string }) => file)
  : []

const load = (file: string): Recording => JSON.parse(readFileSync(join(folder, file), 'utf8'))

function summarize({ choices, usage }: ChatAnswer): unknown {
  const textOf = (blocks: readonly Block[], type: string): string =>
    blocks.map((block) => (block.type === type && 'text' in block ? block.text : '')).join('')
  return {
    usage,
    choices: choices.map(({ blocks, finish }) => ({
      finish: finish.reason,
      text: textOf(blocks, 'text'),
      reasoning: textOf(blocks, 'reasoning'),
      calls: blocks.flatMap((block) => (block.type === 'tool-call' ? [[block.id, block.name, block.input]] : [])),
    })),
  }
}

describe.skipIf(!hasRecordings)('real traffic', () => {
  it.each(files)('%s', (file) => {
    const { request, response } = load(file)
    const { status, json, sse_file } = response
    if (request?.body) {
      const { body, losses } = write(openaiChat.readRequest(toBytes(request.body), noPath))
      expect(losses).toEqual([])
      // Empty assistant messages are not written.
      const nonEmptyMessages = request.body.messages.filter(({ content, tool_calls }) => content || tool_calls)
      expect(body.messages).toHaveLength(nonEmptyMessages.length)
    }
    const context = answerContext({ wantsUsage: true })
    if (status >= 400)
      return expect(openaiChat.readError(status, toBytes(json))).toMatchObject({ status, native: true })
    if (sse_file === undefined) {
      const answer = openaiChat.readAnswer(toBytes(json), { id: 'r1' })
      expect(answer.upstreamError).toBeUndefined()
      expect(answer.usage?.input).toBeGreaterThan(0)
      expect(
        summarize(openaiChat.readAnswer(Buffer.from(openaiChat.writeAnswer(answer, context)), { id: 'r2' })),
      ).toEqual(summarize(answer))
      return
    }
    const text = readFileSync(join(folder, file, '..', sse_file.split('/').at(-1) ?? ''), 'utf8')
    const events: ChatEvent[] = readStream(text)
    const answer = collectAnswer(events)
    expect(answer.upstreamError).toBeUndefined()
    expect(answer.choices.length).toBeGreaterThan(0)
    expect(summarize(collectAnswer(readStream(writeStream(events, context))))).toEqual(summarize(answer))
  })

  it('has recordings', () => expect(files.length).toBeGreaterThan(5))
})
