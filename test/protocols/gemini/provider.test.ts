import { describe, expect, it } from 'vitest'
import { gemini as demo } from '../../../src/demo/gemini.js'
import { createReply } from '../../../src/demo/reply.js'
import { gemini } from '../../../src/protocols/gemini/index.js'
import { providers } from '../../../src/providers/index.js'
import { asking, eventsOf, folded, writing } from './setting.js'

describe('the provider', () => {
  const provider = providers.get('gemini')

  it('authenticates with x-goog-api-key', () => {
    expect(provider?.sign('k')).toEqual(['x-goog-api-key', 'k'])
  })

  it.each([
    ['gemini-3-pro-preview', { reasoning: 'effort', toolSchemas: 'full', requiresSignatures: true }],
    ['models/gemini-3.5-flash', { reasoning: 'effort', requiresSignatures: true }],
    ['gemini-3-pro-image-preview', { reasoning: 'none', requiresSignatures: true }],
    ['gemini-2.5-pro', { reasoning: 'budget', reasoningEfforts: ['minimal', 'low', 'medium', 'high'] }],
    ['gemini-2.5-flash-lite', { reasoning: 'budget', reasoningEfforts: ['none', 'minimal', 'low', 'medium', 'high'] }],
    ['gemini-2.5-flash-preview-tts', { reasoning: 'none' }],
    ['gemini-2.0-flash', { reasoning: 'none', toolSchemas: 'full' }],
    ['gemini-1.5-pro', { reasoning: 'none', toolSchemas: 'subset' }],
    ['gemma-3-27b-it', { reasoning: 'none', toolSchemas: 'subset' }],
    ['gemini-flash-latest', { toolSchemas: 'full' }],
  ])('knows the dialect of %s', (model, dialect) => {
    expect(provider?.dialect?.(model)).toMatchObject(dialect)
  })
})

describe('the demo', () => {
  const ask = (request: Parameters<typeof asking>[0], operation = 'generateContent') => {
    const turns = [{ role: 'user' as const, blocks: [{ type: 'text' as const, text: 'hi' }] }]
    const body = JSON.parse(gemini.writeRequest(asking({ turns, ...request }), writing()))
    const path = `/v1/v1beta/models/demo:${operation}`
    expect(path).toMatch(demo.path)
    const question = demo.readRequest(body, path)
    return { question, reply: createReply(question) }
  }

  it("answers in Gemini's format", () => {
    const { question, reply } = ask({})
    expect(question).toMatchObject({ model: 'demo', stream: false, userText: 'hi' })
    const answer = gemini.readAnswer(Buffer.from(JSON.stringify(demo.writeAnswer(reply, question))), { id: 'x' })
    expect(answer).toMatchObject({ model: 'demo', choices: [{ finish: { reason: 'stop' } }], upstreamError: undefined })
    expect(answer.choices[0]?.blocks[0]).toMatchObject({ type: 'text', text: expect.stringContaining('"hi"') })
  })

  it('streams, calls tools, and repeats their results', () => {
    const tools = [
      {
        type: 'function' as const,
        name: 'f',
        at: 't',
        schema: { type: 'object', properties: { a: { type: 'string' } } },
      },
    ]
    const { question, reply } = ask({ tools }, 'streamGenerateContent')
    expect(question.stream).toBe(true)
    const answer = folded(eventsOf(demo.writeStream(reply, question).join('')).events)
    expect(answer.choices[0]).toMatchObject({
      finish: { reason: 'tool-calls' },
      blocks: [{ name: 'f', input: '{"a":"hi"}' }],
    })
    const call = { type: 'tool-call' as const, id: 'c', name: 'f', input: '{}' }
    const result = { type: 'tool-result' as const, callId: 'c', blocks: [{ type: 'text' as const, text: 'sunny' }] }
    const after = ask({
      tools,
      turns: [
        { role: 'user', blocks: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', blocks: [call] },
        { role: 'user', blocks: [result] },
      ],
    })
    expect(after.question).toMatchObject({ toolResult: 'sunny', tool: undefined })
  })

  it("fails in Gemini's format", () => {
    const failure = demo.writeError({ status: 429, message: 'm', type: 't', code: null })
    expect(gemini.readError(429, Buffer.from(JSON.stringify(failure)))).toMatchObject({ message: 'm', native: true })
  })
})
