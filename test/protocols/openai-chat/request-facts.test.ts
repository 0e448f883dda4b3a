import { describe, expect, it } from 'vitest'
import { RelayError } from '../../../src/errors.js'
import { openaiChat } from '../../../src/protocols/openai-chat/index.js'

function read(text: string): unknown {
  try {
    return openaiChat.readFacts(Buffer.from(text), { id: '', stream: undefined, query: '' })
  } catch (error) {
    if (error instanceof RelayError) return { param: error.param, code: error.code, message: error.message }
    throw error
  }
}

const requestWith = (more: object, message: object = {}): string =>
  JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x', ...message }], ...more })

describe('readFacts of Chat Completions', () => {
  it('reads the model, its position, and the stream flag', () => {
    expect(read('{"model":"mä","messages":[{"role":"user"}],"stream":true,"temperature":null}')).toMatchObject({
      model: 'mä',
      modelSpan: { start: 9, end: 14 },
      stream: true,
      choices: 1,
      usesTools: false,
    })
  })

  it.each<[string, string | null, string | null, string]>([
    ['', null, null, 'The body is empty. Send a JSON object.'],
    ['{', null, null, 'The body is not valid JSON. Send a JSON object.'],
    ['[]', null, 'invalid_type', "Invalid value for 'the body': expected an object, received an array."],
    ['{"messages":[]}', 'model', 'missing_required_parameter', "Missing required parameter: 'model'."],
    ['{"model":"","messages":[{}]}', 'model', null, 'model: must not be empty'],
    ['{"model":"m","model":"n","messages":[{"role":"user"}]}', 'model', null, 'ambiguous'],
    ['{"model":"m"}', 'messages', 'missing_required_parameter', "Missing required parameter: 'messages'."],
    ['{"model":"m","messages":[]}', 'messages', null, 'messages: must not be empty'],
    ['{"model":"m","messages":[{"role":"user"},7]}', 'messages[1]', 'invalid_type', 'expected an object'],
    [requestWith({}, { role: 7 }), 'messages[0].role', 'invalid_type', 'expected a string, received number'],
    [requestWith({}, { content: {} }), 'messages[0].content', 'invalid_type', 'expected a string or an array'],
    [requestWith({}, { tool_calls: {} }), 'messages[0].tool_calls', 'invalid_type', 'expected an array'],
    [requestWith({}, { tool_call_id: 1 }), 'messages[0].tool_call_id', 'invalid_type', 'expected a string'],
    [requestWith({ stream: 'yes' }), 'stream', 'invalid_type', 'expected a boolean'],
    [
      requestWith({ stream_options: { include_usage: 1 } }),
      'stream_options.include_usage',
      'invalid_type',
      'a boolean',
    ],
    [requestWith({ tools: {} }), 'tools', 'invalid_type', 'expected an array'],
    [requestWith({ stop: 1 }), 'stop', 'invalid_type', 'expected a string or an array'],
    [requestWith({ temperature: '1' }), 'temperature', 'invalid_type', 'expected a number'],
    [requestWith({ top_p: 8 }).replace('8', '1e999'), 'top_p', 'invalid_type', 'expected a number'],
    [requestWith({ response_format: 'json' }), 'response_format', 'invalid_type', 'expected an object'],
  ])('%s', (text, param, code, message) => {
    expect(read(text)).toEqual({ param, code, message: expect.stringContaining(message) })
  })
})
