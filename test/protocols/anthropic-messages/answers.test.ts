import { describe, expect, it } from 'vitest'
import type { ChatAnswer, Finish } from '../../../src/chat/answer.js'
import type { Block } from '../../../src/chat/blocks.js'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { answerContext, ISSUER, jsonBytes } from './messages-fixtures.js'

const read = (message: unknown): ChatAnswer => protocol.readAnswer(jsonBytes(message), { id: 'abc' })
const written = (answer: Partial<ChatAnswer>, how = answerContext()) =>
  JSON.parse(protocol.writeAnswer({ choices: [], ...answer }, how)) as Record<string, ReturnType<typeof JSON.parse>>
const writeBlocks = (blocks: Block[], finish: Finish = { reason: 'stop' }, how = answerContext()) =>
  written({ choices: [{ blocks, finish }] }, how)

describe('reading a message', () => {
  it('reads blocks, finish reason and usage', () => {
    const citation = { type: 'web_search_result_location', url: 'u', title: 't', cited_text: 'c', encrypted_index: 'e' }
    const answer = read({
      id: 'msg_1',
      model: 'claude',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'text', text: '' },
        { type: 'text', text: 'a', citations: [citation] },
        { type: 'server_tool_use', id: 'x', name: 'web_search', input: {} },
        { type: 'tool_use', id: 't', name: 'f', input: {}, caller: { type: 'code_execution_20260120', tool_id: 'x' } },
      ],
      stop_reason: 'tool_use',
    })
    expect([answer.id, answer.model, answer.usage, answer.upstreamError]).toEqual([
      'msg_1',
      'claude',
      undefined,
      undefined,
    ])
    expect(answer.choices).toMatchObject([
      {
        blocks: [
          { type: 'reasoning', text: 'hm', signature: { value: 's' } },
          { type: 'text', text: 'a', citations: [{ url: 'u', title: 't', quote: 'c', native: { fields: citation } }] },
          { type: 'foreign', kind: 'server_tool_use' },
          { type: 'tool-call', id: 't', input: '{}', native: { fields: { caller: { tool_id: 'x' } } } },
        ],
        finish: { reason: 'tool-calls' },
      },
    ])
  })

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'context'],
    ['pause_turn', 'pause'],
    ['refusal', 'refusal'],
    ['compaction', 'stop'],
    [null, 'stop'],
  ])('HC-077: reads %s as %s', (stop_reason, reason) => {
    expect(read({ content: [], stop_reason }).choices[0]?.finish.reason).toBe(reason)
  })

  it('HC-074: reads any stop reason after a call as tool-calls, unless the tool ran at the provider', () => {
    const ending = (type: string) =>
      read({ content: [{ type, id: 'x', name: 'f', input: {} }], stop_reason: 'end_turn' })
    expect(ending('tool_use').choices[0]?.finish.reason).toBe('tool-calls')
    expect(ending('server_tool_use').choices[0]?.finish.reason).toBe('stop')
  })

  it('reads the stop sequence, and the explanation of a refusal', () => {
    expect(read({ content: [], stop_reason: 'stop_sequence', stop_sequence: 'END' }).choices[0]?.finish.sequence).toBe(
      'END',
    )
    const stop_details = { type: 'refusal', category: 'bio', explanation: 'No.' }
    expect(read({ content: [], stop_reason: 'refusal', stop_details }).choices[0]?.finish).toMatchObject({
      reason: 'refusal',
      explanation: 'No.',
      native: { fields: { category: 'bio' } },
    })
  })

  it('creates an id for a call without one', () => {
    expect(read({ content: [{ type: 'tool_use', name: 'f' }] }).choices[0]?.blocks[0]).toMatchObject({
      id: 'call_abc_0',
      input: '{}',
    })
  })

  it.each([
    ['', 'an empty answer'],
    ['<html>', 'not JSON'],
    ['null', 'not JSON'],
    ['{}', 'without content'],
    ['{"type":"error"}', 'an error without a message'],
  ])('HC-097: reads %j as an upstream error', (text, words) => {
    expect(protocol.readAnswer(Buffer.from(text), { id: 'a' }).upstreamError?.message).toContain(words)
    expect(protocol.readAnswerFacts(Buffer.from(text)).upstreamError?.message).toContain(words)
  })

  it('HC-093: gives an error with status 200 the status of its type', () => {
    const error = jsonBytes({ type: 'error', error: { type: 'overloaded_error', message: 'Überlast' } })
    expect(protocol.readAnswer(error, { id: 'a' }).upstreamError).toMatchObject({ status: 529, message: 'Überlast' })
    expect(protocol.readAnswerFacts(error).upstreamError).toMatchObject({ status: 529, message: 'Überlast' })
  })

  it('HC-080: adds cached tokens to the input', () => {
    const usage = {
      input_tokens: 4,
      cache_creation_input_tokens: 100,
      cache_read_input_tokens: 2455,
      output_tokens: 34,
      output_tokens_details: { thinking_tokens: 7 },
    }
    const expected = { input: 2559, cachedInput: 2455, cacheWriteInput: 100, output: 34, reasoning: 7 }
    expect(read({ content: [], usage }).usage).toEqual(expected)
    expect(protocol.readAnswerFacts(jsonBytes({ content: [], usage }))).toMatchObject({ usage: expected })
    expect(written({ usage: expected }).usage).toMatchObject(usage)
  })
})

describe('writing a message', () => {
  it('drops empty blocks, as a stream does', () => {
    expect(
      writeBlocks([
        { type: 'refusal', text: '' },
        { type: 'reasoning', text: '' },
      ]).content,
    ).toEqual([])
  })

  it('writes every field that clients require', () => {
    expect(writeBlocks([{ type: 'text', text: 'a' }])).toEqual({
      id: 'msg_abc',
      type: 'message',
      role: 'assistant',
      model: 'asked-for',
      content: [{ type: 'text', text: 'a' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        input_tokens: 0,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: 0,
        output_tokens_details: null,
        server_tool_use: null,
        cache_creation: null,
        inference_geo: null,
        service_tier: null,
        speed: null,
      },
    })
  })

  it("keeps an id of its own format and the upstream's model name", () => {
    expect(written({ id: 'msg_7', model: 'real' })).toMatchObject({ id: 'msg_7', model: 'real' })
    expect(written({ id: 'chatcmpl-1' }).id).toBe('msg_abc')
  })

  it('HC-082: subtracts cached tokens once, and never below zero', () => {
    const usage = { input: 1000, cachedInput: 800, cacheWriteInput: 100, output: 5, reasoning: 0 }
    expect(written({ usage }).usage).toMatchObject({
      input_tokens: 100,
      cache_read_input_tokens: 800,
      cache_creation_input_tokens: 100,
    })
    expect(written({ usage: { ...usage, input: 10 } }).usage.input_tokens).toBe(0)
  })

  it.each<[Finish, object]>([
    [{ reason: 'stop' }, { stop_reason: 'end_turn' }],
    [
      { reason: 'stop', sequence: 'X' },
      { stop_reason: 'stop_sequence', stop_sequence: 'X' },
    ],
    [{ reason: 'length' }, { stop_reason: 'max_tokens' }],
    [{ reason: 'context' }, { stop_reason: 'model_context_window_exceeded' }],
    [{ reason: 'tool-calls' }, { stop_reason: 'tool_use' }],
    [{ reason: 'pause' }, { stop_reason: 'pause_turn' }],
    [
      { reason: 'filter' },
      { stop_reason: 'refusal', stop_details: { type: 'refusal', category: null, explanation: null } },
    ],
    [
      { reason: 'refusal', explanation: 'No.' },
      { stop_reason: 'refusal', stop_details: { explanation: 'No.' } },
    ],
  ])('writes the finish %j', (finish, expected) => {
    expect(writeBlocks([], finish)).toMatchObject(expected)
  })

  it('writes a refusal as text, with stop reason refusal', () => {
    expect(writeBlocks([{ type: 'refusal', text: 'I cannot' }])).toMatchObject({
      content: [{ type: 'text', text: 'I cannot' }],
      stop_reason: 'refusal',
    })
  })

  it('signs every thinking block, and writes the input of calls unchanged', () => {
    const signature = { protocol: 'gemini', value: 'v' }
    const own = { protocol: 'anthropic-messages', value: 'd', id: 'redacted_thinking' }
    const { content } = writeBlocks([
      { type: 'reasoning', text: 'a', signature },
      { type: 'reasoning', text: 'b' },
      { type: 'reasoning', text: '', signature: own },
      { type: 'tool-call', id: 'c', name: 'f', input: '' },
    ])
    expect(content).toEqual([
      { type: 'thinking', thinking: 'a', signature: wrapSignature(signature, ISSUER) },
      { type: 'thinking', thinking: 'b', signature: wrapSignature({ protocol: 'none', value: '' }, ISSUER) },
      { type: 'redacted_thinking', data: wrapSignature(own, ISSUER) },
      { type: 'tool_use', id: 'c', name: 'f', caller: { type: 'direct' }, input: {} },
    ])
  })

  it('writes citations with URLs, and records losses', () => {
    const how = answerContext()
    const picture: Block = { type: 'media', kind: 'image', source: { type: 'url', url: 'u' } }
    const citations = [{ url: 'u', title: 't', quote: 'q' }, { title: 'a file' }]
    expect(writeBlocks([{ type: 'text', text: 'a', citations }, picture], undefined, how).content).toEqual([
      {
        type: 'text',
        text: 'a',
        citations: [{ type: 'web_search_result_location', url: 'u', title: 't', cited_text: 'q', encrypted_index: '' }],
      },
    ])
    expect(how.losses.list.map(({ path }) => path)).toEqual(['content[1]'])
  })

  it('HC-050: returns redacted thinking unchanged through any client', () => {
    const { choices } = read({
      content: [
        { type: 'redacted_thinking', data: 'EmwK' },
        { type: 'text', text: 'x' },
      ],
      stop_reason: 'end_turn',
    })
    const { content } = writeBlocks([...(choices[0]?.blocks ?? [])])
    const back = protocol.readRequest(
      jsonBytes({ model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content }] }),
      {
        id: '',
        stream: undefined,
        query: '',
      },
    )
    expect(back.turns[0]?.blocks[0]).toMatchObject({
      type: 'reasoning',
      text: '',
      signature: { value: 'EmwK', issuer: ISSUER, id: 'redacted_thinking' },
    })
  })
})
