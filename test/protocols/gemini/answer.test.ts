import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../../src/chat/answer.js'
import { Losses } from '../../../src/chat/losses.js'
import { unwrapSignature } from '../../../src/chat/signatures.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { answering, fragment, type Json, plain } from './setting.js'

const read = (body: unknown): ChatAnswer =>
  gemini.readAnswer(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), { id: 'abc' })
const write = (answer: ChatAnswer, losses?: Losses): Json =>
  JSON.parse(gemini.writeAnswer(answer, answering(losses))) as Json
const stop = { finishReason: 'STOP' }

describe('reading an answer', () => {
  it('reads thoughts, text, calls, media and its own parts', () => {
    const code = { executableCode: { code: '1' } }
    const parts = [
      { text: 'hm', thought: true },
      { text: 'a' },
      { text: 'b', thoughtSignature: 's' },
      { functionCall: { name: 'f', args: { n: 1 } }, thoughtSignature: 't' },
      { functionCall: { name: 'g', id: 'own' } },
      { inlineData: { mimeType: 'image/png', data: 'AA' } },
      code,
      { text: '', thoughtSignature: 'u' },
    ]
    const answer = read(fragment(parts, stop, { responseId: 'r', modelVersion: 'm' }))
    expect(plain(answer)).toEqual({
      id: 'r',
      model: 'm',
      choices: [
        {
          blocks: [
            { type: 'reasoning', text: 'hm' },
            { type: 'text', text: 'ab', signature: { protocol: 'gemini', value: 's' } },
            {
              type: 'tool-call',
              id: 'call_abc_0',
              name: 'f',
              input: '{"n":1}',
              signature: { protocol: 'gemini', value: 't' },
            },
            { type: 'tool-call', id: 'own', name: 'g', input: '{}' },
            { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AA' } },
            { type: 'foreign', protocol: 'gemini', kind: 'executableCode', value: code },
            { type: 'text', text: '', signature: { protocol: 'gemini', value: 'u' } },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
    })
  })

  it('gives every call its own id, and keeps the index of candidates', () => {
    const call = { functionCall: { name: 'f', id: 'same' } }
    const answer = read({
      candidates: [
        { content: { parts: [call, call] }, finishReason: 'STOP' },
        { index: 1, content: { parts: [{ text: 'b' }] }, finishReason: 'MAX_TOKENS' },
      ],
    })
    expect(answer.choices[0]?.blocks).toMatchObject([{ id: 'same' }, { id: 'call_abc_0' }])
    expect(answer.choices[1]).toMatchObject({ blocks: [{ text: 'b' }], finish: { reason: 'length' } })
  })

  it('HC-068: reads answers without parts', () => {
    const blocked = read({
      promptFeedback: { blockReason: 'SAFETY' },
      usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
    })
    expect(blocked).toMatchObject({
      choices: [{ blocks: [], finish: { reason: 'filter' } }],
      usage: { input: 8, output: 0 },
    })
    expect(blocked.upstreamError).toBeUndefined()
    const cut = read({
      candidates: [{ finishReason: 'MAX_TOKENS', index: 0 }],
      usageMetadata: { promptTokenCount: 1, thoughtsTokenCount: 9 },
    })
    expect(cut).toMatchObject({
      choices: [{ blocks: [], finish: { reason: 'length' } }],
      usage: { output: 9, reasoning: 9 },
    })
    expect(read({ candidates: [{ content: { role: 'model' }, finishReason: 'STOP' }] })).toMatchObject({
      choices: [{ blocks: [], finish: { reason: 'stop' } }],
      upstreamError: undefined,
    })
  })

  it.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'SOMETHING_NEW'])(
    'HC-069: reads %s as an upstream error',
    (finishReason) => {
      const body = { candidates: [{ content: {}, finishReason, finishMessage: 'Malformed: ü' }] }
      expect(read(body).upstreamError).toMatchObject({ message: 'Malformed: ü', code: finishReason, status: undefined })
      expect(gemini.readAnswerFacts(Buffer.from(JSON.stringify(body))).upstreamError).toMatchObject({
        message: 'Malformed: ü',
      })
    },
  )

  it('HC-070: passes a continuation on', () => {
    const answer = read(fragment([{ text: 'half' }], { finishReason: 'CONTINUATION', continuationToken: 'dG9r' }))
    expect(answer.choices[0]?.finish).toEqual({
      reason: 'pause',
      native: { protocol: 'gemini', fields: { continuationToken: 'dG9r' } },
    })
    expect(write(answer).candidates[0]).toMatchObject({ finishReason: 'CONTINUATION', continuationToken: 'dG9r' })
  })

  it.each([
    ['SAFETY', 'filter', 'filter'],
    ['LANGUAGE', 'filter', 'filter'],
    ['RECITATION', 'filter', 'filter'],
    ['IMAGE_SAFETY', 'filter', 'filter'],
    ['OTHER', 'stop', 'filter'],
    ['NO_IMAGE', 'stop', 'filter'],
    ['MAX_TOKENS', 'length', 'length'],
  ])('reads %s', (finishReason, after, without) => {
    expect(read(fragment([{ text: 'a' }], { finishReason })).choices[0]?.finish.reason).toBe(after)
    expect(read(fragment([], { finishReason })).choices[0]?.finish.reason).toBe(without)
  })

  it('HC-076: converts byte positions to UTF-16 positions', () => {
    const groundingMetadata = {
      groundingChunks: [{ web: { uri: 'https://a.test', title: 'A' } }, { web: { uri: 'https://b.test' } }],
      groundingSupports: [{ segment: { startIndex: 6, endIndex: 12, text: 'です' }, groundingChunkIndices: [0] }],
    }
    const answer = read(fragment([{ text: '日本です' }], { ...stop, groundingMetadata }))
    expect(plain(answer.choices[0]?.blocks)).toEqual([
      {
        type: 'text',
        text: '日本です',
        citations: [{ url: 'https://a.test', title: 'A', start: 2, end: 4 }, { url: 'https://b.test' }],
      },
    ])
    const again = write(answer).candidates[0]?.groundingMetadata
    expect(again).toEqual({ ...groundingMetadata, groundingSupports: groundingMetadata.groundingSupports })
  })

  it.each([
    ['', 'an empty answer'],
    ['null', 'not JSON'],
    ['[]', 'not JSON'],
    ['7', 'not JSON'],
    ['<html>', 'not JSON'],
    ['{}', 'without candidates'],
    ['{"candidates":[]}', 'without candidates'],
    ['{"candidates":[{"content":{}}]}', 'without content'],
    ['{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}', 'busy'],
    ['[{"error":{"code":503,"message":"busy"}}]', 'busy'],
    ['{"error":"busy"}', 'busy'],
  ])('HC-093, HC-097: reads %s as an upstream error', (body, words) => {
    expect(read(body).upstreamError?.message).toContain(words)
    expect(gemini.readAnswerFacts(Buffer.from(body)).upstreamError?.message).toContain(words)
  })

  it('joins an array of fragments, with white space before it', () => {
    const list = [fragment([{ text: 'a' }]), fragment([{ text: 'b' }], stop)]
    expect(read(`\n\n${JSON.stringify(list)}`).choices[0]?.blocks).toMatchObject([{ text: 'ab' }])
  })

  it.each([
    [{}, [0, 0, 0, 0]],
    [
      { promptTokenCount: 107, candidatesTokenCount: 31, thoughtsTokenCount: 148, totalTokenCount: 286 },
      [107, 0, 179, 148],
    ],
    [{ promptTokenCount: 10, toolUsePromptTokenCount: 5, cachedContentTokenCount: 4 }, [15, 4, 0, 0]],
    [{ promptTokenCount: null, candidatesTokenCount: 'x' }, [0, 0, 0, 0]],
  ])('adds up %j', (usageMetadata, [input, cachedInput, output, reasoning]) => {
    const { usage } = read(fragment([{ text: 'a' }], stop, { usageMetadata }))
    expect(usage).toEqual({ input, cachedInput, cacheWriteInput: 0, output, reasoning })
  })
})

describe('writing an answer', () => {
  it('writes every kind of block', () => {
    const losses = new Losses('gemini')
    const answer: ChatAnswer = {
      id: 'msg_1',
      choices: [
        {
          blocks: [
            { type: 'reasoning', text: 'hm', signature: { protocol: 'anthropic-messages', value: 'sig' } },
            { type: 'text', text: 'a' },
            { type: 'refusal', text: 'no' },
            { type: 'tool-call', id: 'c', name: 'f', input: '{"n":9007199254740993}' },
            { type: 'tool-call', id: 'd', name: 'f', input: '' },
            { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AA' } },
            { type: 'foreign', protocol: 'other', kind: 'x', value: {} },
          ],
          finish: { reason: 'tool-calls' },
        },
        { blocks: [], finish: { reason: 'refusal', explanation: 'why' } },
      ],
      usage: { input: 100, cachedInput: 80, cacheWriteInput: 10, output: 50, reasoning: 20 },
    }
    expect(gemini.writeAnswer(answer, answering())).toContain('"args":{"n":9007199254740993}')
    const body = write(answer, losses)
    const carried = body.candidates[0]?.content.parts[0]?.thoughtSignature ?? ''
    expect(unwrapSignature(carried)).toEqual({ issuer: 'a#claude', protocol: 'anthropic-messages', value: 'sig' })
    expect(body).toMatchObject({
      candidates: [
        {
          content: {
            role: 'model',
            parts: [
              { text: 'hm', thought: true },
              { text: 'a' },
              { text: 'no' },
              { functionCall: { id: 'c', name: 'f' } },
              { functionCall: { id: 'd', name: 'f', args: {} } },
              { inlineData: { mimeType: 'image/png', data: 'AA' } },
            ],
          },
          finishReason: 'STOP',
          index: 0,
        },
        { content: { parts: [{ text: '' }] }, finishReason: 'SAFETY', finishMessage: 'why', index: 1 },
      ],
      usageMetadata: {
        promptTokenCount: 100,
        cachedContentTokenCount: 80,
        candidatesTokenCount: 30,
        thoughtsTokenCount: 20,
        totalTokenCount: 150,
      },
      modelVersion: 'asked',
      responseId: 'msg_1',
    })
    expect(losses.list.map(({ path }) => path)).toEqual(['content[6]'])
  })
})
