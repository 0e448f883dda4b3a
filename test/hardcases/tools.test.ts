import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerToolCall, type Harness, startHarness } from './harness.js'
import { dig, protocolNames } from './protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup)
})
afterEach(() => cleanup.run())

const user = (content: unknown): object => ({ role: 'user', content })
const history = (args: string): object => ({
  messages: [
    user('w?'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'w', arguments: args } }],
    },
    { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
  ],
})

describe('tool calls in a history', () => {
  it('HC-016: a failed tool result stays marked as failed', async () => {
    const result = { type: 'tool_result', tool_use_id: 't1', is_error: true, content: 'ENOENT' }
    const messages = [
      user('x'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'w', input: {} }] },
      user([result]),
    ]
    const [chat] = await harness.expectAccepted('messages', 'chat/m', { messages })
    expect(dig(chat, 'messages', -1)).toEqual({ role: 'tool', tool_call_id: 't1', content: 'Error: ENOENT' })
    const [gemini] = await harness.expectAccepted('messages', 'gemini/gemini-2.5-pro', { messages })
    expect(dig(gemini, 'contents', -1, 'parts', 0, 'functionResponse', 'response')).toEqual({ error: 'ENOENT' })
    const [responses] = await harness.expectAccepted('messages', 'responses/gpt-5', { messages })
    expect(dig(responses, 'input', -1)).toMatchObject({ call_id: 't1', output: 'Error: ENOENT' })
  })

  it.each([
    ['', {}],
    ['{"a":1', { _raw: '{"a":1' }],
    ['[1]', { _raw: '[1]' }],
    ['{"a":1}{"b":2}', { _raw: '{"a":1}{"b":2}' }],
  ])('HC-017: keeps a call with the invalid input %j, and its result', async (args, input) => {
    const [messages, { headers }] = await harness.expectAccepted('chat', 'messages/m', history(args))
    expect(dig(messages, 'messages', 1, 'content')).toEqual([{ type: 'tool_use', id: 'c1', name: 'w', input }])
    expect(dig(messages, 'messages', 2, 'content', 0)).toMatchObject({ tool_use_id: 'c1', content: 'sunny' })
    expect(headers.get('x-modelmount-losses') ?? '').toMatch(args ? 'messages[1].tool_calls[0]: has an input' : /^$/)
    const [gemini] = await harness.expectAccepted('chat', 'gemini/m', history(args))
    expect(dig(gemini, 'contents', 1, 'parts', 0, 'functionCall')).toMatchObject({ name: 'w', args: input })
    expect(dig(gemini, 'contents', 2, 'parts', 0, 'functionResponse', 'name')).toBe('w')
  })

  it('HC-038: keeps every digit of a call’s input', async () => {
    const args = '{"seed":9007199254740993,"x":1.0,"y":1e400}'
    for (const to of ['messages/m', 'gemini/m'] as const) {
      await harness.expectAccepted('chat', to, history(args))
      expect(harness.upstream.seen.at(-1)?.body).toContain(args)
    }
  })
})

describe('HC-038: numbers', () => {
  it('keep their bytes within the same protocol', async () => {
    const body = '{"model":"chat/m","messages":[{"role":"user","content":"x"}],"seed":9007199254740993,"x":1.0, "y":-0}'
    await harness.ask('chat', 'chat/m', { body })
    expect(harness.upstream.seen[0]?.body).toBe(body.replace('"chat/m"', '"m"'))
  })

  it('that translation would change are refused', async () => {
    const body = '{"model":"gemini/m","messages":[{"role":"user","content":"x"}],"seed":9007199254740993}'
    expect(await harness.ask('chat', 'gemini/m', { body })).toMatchObject({
      status: 400,
      json: { error: { param: 'seed' } },
    })
  })
})

describe('HC-018: a schema for Gemini', () => {
  const schema = JSON.parse(`{"type":"object","$schema":"s","properties":{"$id":{"type":"string"},
    "default":{"type":"string","default":"x"},"n":{"type":"integer","exclusiveMinimum":0},
    "v":{"oneOf":[{"type":"string"},{"type":"integer"}]},"c":{"$ref":"#/$defs/C"},"k":{"const":"A"}},
    "required":["$id","c","zz"],"$defs":{"C":{"type":"object","properties":{}}}}`)
  const tools = [{ type: 'function', function: { name: 'f', parameters: schema } }]

  it('loses unsupported keywords, but no properties with these names, in the OpenAPI subset', async () => {
    const [body] = await harness.expectAccepted('chat', 'gemini/gemini-1.5-pro', { tools })
    expect(dig(body, 'tools', 0, 'functionDeclarations', 0, 'parameters')).toEqual({
      type: 'object',
      properties: {
        $id: { type: 'string' },
        default: { type: 'string', default: 'x' },
        n: { type: 'integer', minimum: 1 },
        v: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        c: { type: 'object' },
        k: { type: 'string', enum: ['A'] },
      },
      required: ['$id', 'c'],
    })
  })

  it('stays JSON Schema where the model accepts it', async () => {
    const [body] = await harness.expectAccepted('chat', 'gemini/gemini-2.5-pro', { tools })
    const written = dig(body, 'tools', 0, 'functionDeclarations', 0, 'parametersJsonSchema')
    expect(dig(written, 'properties', 'c')).toEqual({ $ref: '#/$defs/C' })
    expect(written).not.toHaveProperty('$schema')
  })
})

describe('names of tools', () => {
  const long = 'mcp__chrome_devtools_mcp__chrome_devtools_performance_analyze_insight'
  const names = [long, `${long.slice(0, 66)}_other`, 'a.b', 'constructor', '__proto__', 'toString']
  const tools = names.map((name) => ({ name, input_schema: { type: 'object' } }))

  it('HC-021: are shortened to distinct names, and restored in whole and streamed answers', async () => {
    const before = [
      user('x'),
      { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: long, input: {} }] },
      user([{ type: 'tool_result', tool_use_id: 't1', content: '1' }]),
    ]
    const fields = { tools, tool_choice: { type: 'tool', name: long }, messages: before }
    const [body] = await harness.expectAccepted('messages', 'chat/m', fields)
    const fitted = (dig(body, 'tools') as object[]).map((tool) => String(dig(tool, 'function', 'name')))
    expect(new Set(fitted).size).toBe(names.length)
    for (const name of fitted) expect(name).toMatch(/^[\w-]{1,64}$/)
    const [short = ''] = fitted
    expect(dig(body, 'tool_choice', 'function', 'name')).toBe(short)
    expect(dig(body, 'messages', 1, 'tool_calls', 0, 'function', 'name')).toBe(short)
    for (const [index, name] of names.entries()) {
      harness.upstream.script = answerToolCall(fitted[index] ?? '', '{}')
      const whole = await harness.ask('messages', 'chat/m', { with: fields })
      expect(dig(whole.json, 'content', 0)).toMatchObject({ type: 'tool_use', name, input: {} })
      const { records } = await harness.ask('messages', 'chat/m', { with: fields, stream: true })
      expect(dig(records[1], 'content_block', 'name')).toBe(name)
    }
  })

  it('HC-142: and fields may have names of Object.prototype, which changes no prototype', async () => {
    for (const from of protocolNames) {
      for (const to of protocolNames) {
        const body = JSON.stringify({ x: 1 }).replace(
          '"x":1',
          '"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}',
        )
        const fields = JSON.parse(body)
        const { status } = await harness.ask(from, `${to}/m`, { with: fields })
        expect([200, 400]).toContain(status)
      }
    }
    expect({}).not.toHaveProperty('isAdmin')
    expect({}).not.toHaveProperty('x')
  })
})

describe('HC-028: a plain-text tool', () => {
  const format = { type: 'grammar', syntax: 'lark', definition: 'start: /.+/s' }
  const tools = [{ type: 'custom', name: 'apply_patch', format }]
  const patch = '*** Begin Patch\n"é" \\ 😀\n*** End'

  it('becomes a function for other protocols, and is restored in whole and streamed answers', async () => {
    const json = JSON.stringify({ input: patch }).replace('é', '\\u00e9').replace('😀', '\\ud83d\\ude00')
    harness.upstream.script = answerToolCall('apply_patch', ...json)
    const [body, { json: whole }] = await harness.expectAccepted('responses', 'chat/m', { tools })
    expect(dig(body, 'tools', 0, 'function')).toMatchObject({
      name: 'apply_patch',
      description: expect.stringContaining('start: /.+/s'),
      parameters: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
    })
    expect(dig(whole, 'output', 0)).toMatchObject({
      type: 'custom_tool_call',
      name: 'apply_patch',
      input: patch,
      call_id: 'call_1',
    })
    const [, { records }] = await harness.expectAccepted('responses', 'chat/m', { tools }, { stream: true })
    const deltas = records.filter((record) => dig(record, 'type') === 'response.custom_tool_call_input.delta')
    expect(deltas.map((record) => dig(record, 'delta')).join('')).toBe(patch)
    expect(records.find((record) => dig(record, 'type') === 'response.custom_tool_call_input.done')).toMatchObject({
      input: patch,
    })
    expect(dig(records.at(-1), 'response', 'output', 0)).toMatchObject({ type: 'custom_tool_call', input: patch })
  })

  it('becomes a function in the history too', async () => {
    const input = [
      user('fix'),
      { type: 'custom_tool_call', call_id: 'c1', name: 'apply_patch', input: patch },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'done' },
    ]
    const [body] = await harness.expectAccepted('responses', 'messages/m', { tools, input })
    expect(dig(body, 'messages', 1, 'content', 0)).toMatchObject({ type: 'tool_use', input: { input: patch } })
  })
})

it('HC-029: flattens groups of tools, and restores name and group in the answer', async () => {
  const grouped = [
    { type: 'custom', name: 'apply_patch' },
    { type: 'function', name: 'open', parameters: { type: 'object' } },
  ]
  const tools = [{ type: 'namespace', name: 'editor', tools: grouped }]
  harness.upstream.script = answerToolCall('editor__open', '{"path":"x"}')
  const [body, { json }] = await harness.expectAccepted('responses', 'chat/m', { tools })
  expect((dig(body, 'tools') as object[]).map((tool) => dig(tool, 'function', 'name'))).toEqual([
    'editor__apply_patch',
    'editor__open',
  ])
  expect(dig(json, 'output', 0)).toMatchObject({
    type: 'function_call',
    name: 'open',
    namespace: 'editor',
    arguments: '{"path":"x"}',
  })
  harness.upstream.script = answerToolCall('editor__apply_patch', '{"input":"P"}')
  const [, patched] = await harness.expectAccepted('responses', 'chat/m', { tools })
  expect(dig(patched.json, 'output', 0)).toMatchObject({
    type: 'custom_tool_call',
    name: 'apply_patch',
    namespace: 'editor',
    input: 'P',
  })
})
