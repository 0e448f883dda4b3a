import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type DemoUpstream, startDemo } from '../../../src/demo/upstream.js'

let demo: DemoUpstream
let client: OpenAI

beforeAll(async () => {
  demo = await startDemo()
  client = new OpenAI({ baseURL: demo.baseURL, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => demo.close())

const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'weather',
  strict: false,
  parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
}

describe('the demo in Responses', () => {
  it('echoes the message, whole and streamed', async () => {
    const asked = { model: 'demo', input: 'Hello there' }
    const whole = await client.responses.create(asked)
    expect(whole.output_text).toContain('You said: "Hello there".')
    expect(whole).toMatchObject({ status: 'completed', model: 'demo' })
    const streamed = await client.responses.stream(asked).finalResponse()
    expect(streamed.output_text).toBe(whole.output_text)
    expect(streamed.usage?.total_tokens).toBe(whole.usage?.total_tokens)
  })

  it('calls a tool, and repeats its result', async () => {
    const first = await client.responses.stream({ model: 'demo', input: 'Oslo', tools: [weather] }).finalResponse()
    const [call] = first.output
    expect(call).toMatchObject({ type: 'function_call', name: 'weather', arguments: '{"place":"Oslo"}' })
    if (call?.type !== 'function_call') return
    const result = { type: 'function_call_output' as const, call_id: call.call_id, output: 'rain' }
    const input = [{ role: 'user' as const, content: 'Oslo' }, call, result]
    const { output_text: said } = await client.responses.create({ model: 'demo', input, tools: [weather] })
    expect(said).toBe('The tool answered: rain')
  })

  it('follows a schema, and stops at a cap', async () => {
    const format = {
      type: 'json_schema' as const,
      name: 's',
      schema: { type: 'object', properties: { a: { type: 'string' } } },
    }
    const shaped = await client.responses.create({ model: 'demo', input: 'x', text: { format } })
    expect(JSON.parse(shaped.output_text)).toEqual({ a: 'x' })
    const cut = await client.responses.stream({ model: 'demo', input: 'x', max_output_tokens: 2 }).finalResponse()
    expect(cut).toMatchObject({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } })
    await expect(client.responses.create({ model: 'demo-429', input: 'x' })).rejects.toMatchObject({ status: 429 })
  })
})
