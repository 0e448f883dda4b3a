import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoUpstream, startDemo } from '../../../src/demo/upstream.js'
import { anthropicMessages as protocol } from '../../../src/protocols/anthropic-messages/index.js'
import { readStreamText } from './messages-fixtures.js'

let demo: DemoUpstream
beforeAll(async () => {
  demo = await startDemo()
})
afterAll(() => demo.close())

const hello = { model: 'demo', max_tokens: 3, messages: [{ role: 'user', content: 'Hello there' }] }
const tools = [{ name: 'f', input_schema: { type: 'object', properties: { place: { type: 'string' } } } }]

async function post(fields: object): Promise<{ status: number; text: string }> {
  const response = await fetch(`${demo.baseURL}/messages`, {
    method: 'POST',
    body: JSON.stringify({ ...hello, ...fields }),
  })
  return { status: response.status, text: await response.text() }
}

describe('the demo in Messages', () => {
  it('sends the same words whole and streamed, up to max_tokens', async () => {
    const whole = protocol.readAnswer(Buffer.from((await post({})).text), { id: 'x' })
    const streamed = readStreamText((await post({ stream: true })).text)
    expect(whole.choices).toEqual([
      { blocks: [expect.objectContaining({ text: 'You said: "Hello' })], finish: { reason: 'length' } },
    ])
    expect(streamed.state).toBe('over')
    expect(streamed.answer.choices).toEqual(whole.choices)
    expect(streamed.answer.usage).toEqual(whole.usage)
    expect(whole.usage?.output).toBe(3)
  })

  it('calls a tool, and repeats its result', async () => {
    const called = readStreamText((await post({ tools, stream: true })).text).answer.choices[0]
    expect(called).toMatchObject({
      blocks: [{ type: 'tool-call', name: 'f', input: '{"place":"Hello there"}' }],
      finish: { reason: 'tool-calls' },
    })
    const content = [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: '21' }] }]
    const answered = await post({ tools, max_tokens: 99, messages: [{ role: 'user', content }] })
    expect(protocol.readAnswer(Buffer.from(answered.text), { id: 'x' }).choices[0]?.blocks).toMatchObject([
      { text: 'The tool answered: 21' },
    ])
  })

  it("fails in Anthropic's format", async () => {
    const { status, text } = await post({ model: 'demo-429' })
    expect([status, protocol.readError(status, Buffer.from(text))]).toMatchObject([
      429,
      { type: 'rate_limit_error', native: true },
    ])
  })
})
