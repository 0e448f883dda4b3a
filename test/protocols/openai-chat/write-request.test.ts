import { describe, expect, it } from 'vitest'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatRequest, Turn } from '../../../src/chat/request.js'
import { RelayError } from '../../../src/errors.js'
import { readFields, readMessages, write } from './chat-fixtures.js'

const user = (...blocks: Block[]): Turn => ({ role: 'user', at: 'messages[0]', blocks })
const assistant = (...blocks: Block[]): Turn => ({ role: 'assistant', at: 'messages[1]', blocks })
const textBlock = (text: string): Block => ({ type: 'text', text })
const image: Block = {
  type: 'media',
  kind: 'image',
  source: { type: 'bytes', data: '/9j/4AAQSkZJ' },
  mime: 'image/png',
}
const writtenMessages = (turns: readonly Turn[], ...more: [dialect?: object]): unknown =>
  write({ turns }, ...more).body.messages

describe('messages', () => {
  it('writes tool results first, then images of results, then the user’s text', () => {
    const written = writtenMessages([
      user(
        textBlock('and now?'),
        { type: 'tool-result', callId: 'a', blocks: [textBlock('1'), image] },
        { type: 'tool-result', callId: 'b', blocks: [textBlock('ENOENT')], failed: true },
      ),
    ])
    expect(written).toEqual([
      { role: 'tool', tool_call_id: 'a', content: '1' },
      { role: 'tool', tool_call_id: 'b', content: 'Error: ENOENT' },
      {
        role: 'user',
        // HC-013: the bytes decide the MIME type.
        content: [
          { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/4AAQSkZJ' } },
          { type: 'text', text: 'and now?' },
        ],
      },
    ])
  })

  it('HC-058: writes an empty object for a call without input', () => {
    expect(writtenMessages([assistant({ type: 'tool-call', id: 'c', name: 'f', input: '' })])).toEqual([
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
    ])
  })

  it('HC-026: writes no message for reasoning alone', () => {
    expect(writtenMessages([assistant({ type: 'reasoning', text: 'hm' }), user(textBlock('go on'))])).toEqual([
      { role: 'user', content: 'go on' },
    ])
  })

  it('HC-046: writes past reasoning only where the upstream expects it, and a space where it is missing', () => {
    const call: Block = { type: 'tool-call', id: 'c', name: 'f', input: '{}' }
    const turns = [assistant({ type: 'reasoning', text: 'hm' }, textBlock('a')), assistant(call)]
    expect(JSON.stringify(writtenMessages(turns))).not.toContain('reasoning')
    expect(writtenMessages(turns, { expectsPastReasoning: true })).toMatchObject([
      { reasoning_content: 'hm', content: 'a' },
      { reasoning_content: ' ' },
    ])
  })

  it('writes a signature unchanged, and only to its issuer', () => {
    const detail = { type: 'reasoning.text', signature: 's', index: 0, format: 'f' }
    const signature = { protocol: 'openai-chat', value: JSON.stringify(detail) }
    const past = (issuer: string | undefined): Turn =>
      assistant({ type: 'reasoning', text: 'hm', signature: { ...signature, issuer } }, textBlock('a'))
    expect(writtenMessages([past('here')])).toMatchObject([{ reasoning_details: [{ ...detail, text: 'hm' }] }])
    expect(writtenMessages([past(undefined)])).toMatchObject([{ reasoning_details: [{ ...detail, text: 'hm' }] }])
    expect(JSON.stringify(writtenMessages([past('there')]))).not.toContain('reasoning')
  })

  it('HC-041: writes Google’s signatures to upstreams that issued or require them, and a placeholder for a first call without one', () => {
    const call = (id: string, issuer?: string): Block => ({
      type: 'tool-call',
      id,
      name: 'f',
      input: '{}',
      signature: { protocol: 'gemini', value: 'U0lH', issuer },
    })
    const extra = (value: string): object => ({ extra_content: { google: { thought_signature: value } } })
    expect(writtenMessages([assistant(call('a', 'here'))])).toMatchObject([{ tool_calls: [extra('U0lH')] }])
    expect(JSON.stringify(writtenMessages([assistant(call('a', 'there'), call('b'))]))).not.toContain('extra')
    expect(writtenMessages([assistant(call('a', 'there'), call('b'))], { requiresSignatures: true })).toMatchObject([
      { tool_calls: [extra('skip_thought_signature_validator'), extra('U0lH')] },
    ])
  })

  it('writes one text as a string, several as parts, and joins them for servers with basic fields only', () => {
    expect(writtenMessages([user(textBlock('a'), textBlock('b'))])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
    ])
    expect(writtenMessages([user(textBlock('a'), textBlock('b'))], { basicFieldsOnly: true })).toEqual([
      { role: 'user', content: 'a\n\nb' },
    ])
    expect(writtenMessages([{ role: 'system', blocks: [textBlock('a'), textBlock('b')] }])).toEqual([
      { role: 'system', content: 'a\n\nb' },
    ])
  })

  it('records blocks without an equivalent as losses, and refuses a turn that has no other blocks', () => {
    const video: Block = {
      type: 'media',
      kind: 'video',
      source: { type: 'url', url: 'https://x' },
      at: 'contents[0].parts[1]',
    }
    expect(write({ turns: [user(textBlock('a'), video)] }).losses).toEqual(['contents[0].parts[1]'])
    expect(() => write({ turns: [user(video)] })).toThrowError(RelayError)
    expect(() => write({ turns: [user({ type: 'tool-result', callId: 'a', blocks: [video] })] })).toThrowError(
      RelayError,
    )
    const foreign: Block = { type: 'foreign', protocol: 'other', kind: 'server', value: {}, at: 'x' }
    expect(write({ turns: [assistant(foreign), user(textBlock('a'))] })).toMatchObject({
      losses: ['x'],
      body: { messages: [{ role: 'user' }] },
    })
  })
})

describe('fields', () => {
  it('writes max_completion_tokens or max_tokens, never both; HC-010: refuses a cap of 0', () => {
    expect(write({ maxOutputTokens: 5 }).body).toMatchObject({ max_completion_tokens: 5 })
    expect(write({ maxOutputTokens: 5 }, { basicFieldsOnly: true }).body).toMatchObject({ max_tokens: 5 })
    expect(write({ maxOutputTokens: 5 }, { basicFieldsOnly: true }).body).not.toHaveProperty('max_completion_tokens')
    expect(() => write({ maxOutputTokens: 0 })).toThrowError(/max_completion_tokens/)
  })

  it('HC-008: drops unsupported sampling with a loss, and default values without one', () => {
    const request = { temperature: 0.3, topP: 1, frequencyPenalty: 1, stop: ['a'] }
    const { body, losses } = write(request, { sampling: 'none' })
    expect(body).not.toHaveProperty('temperature')
    expect(body).toMatchObject({ stop: ['a'] })
    expect(losses).toEqual(['temperature', 'frequency_penalty'])
    expect(write(request)).toMatchObject({ losses: [], body: { temperature: 0.3, top_p: 1, frequency_penalty: 1 } })
  })

  it.each<[ChatRequest['reasoning'], object, unknown, string[]]>([
    [{ effort: 'high' }, {}, 'high', []],
    [{ budget: 2048 }, {}, 'low', []],
    [{ budget: -1 }, {}, undefined, []],
    [{ effort: 'minimal' }, { reasoningEfforts: ['low', 'high'] }, 'low', ['reasoning_effort']],
    [{ effort: 'high' }, { reasoning: 'none' }, undefined, ['reasoning_effort']],
    [{ effort: 'none' }, { reasoning: 'none' }, undefined, []],
  ])('HC-052: writes reasoning %j for the dialect %j', (reasoning, dialect, effort, losses) => {
    const written = write({ reasoning }, dialect)
    expect(written.body.reasoning_effort).toBe(effort)
    expect(written.losses).toEqual(losses)
  })

  it('HC-078: always asks a stream for usage, unless the upstream refuses that', () => {
    expect(write({}, { acceptsUsageRequest: false }, true).body).not.toHaveProperty('stream_options')
    expect(write({}, {}, true).body).toMatchObject({ stream: true, stream_options: { include_usage: true } })
    expect(write({}).body).not.toHaveProperty('stream')
  })

  it('writes tools and tool_choice', () => {
    const tools = readFields({
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object' } } },
        {
          type: 'custom',
          custom: { name: 'p', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } },
        },
      ],
    }).tools
    const toolChoice = { type: 'allowed', mode: 'required', names: ['p'] } as const
    expect(write({ tools, toolChoice }).body).toMatchObject({
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object' } } },
        {
          type: 'custom',
          custom: { name: 'p', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } },
        },
      ],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'custom', custom: { name: 'p' } }] },
      },
    })
    expect(write({ tools, toolChoice }, { basicFieldsOnly: true }).body).toMatchObject({
      tools: [{ type: 'custom' }],
      tool_choice: 'required',
    })
  })

  it('HC-024: writes no tool_choice without tools', () => {
    const { body } = write({ toolChoice: { type: 'auto' }, parallelToolCalls: false })
    expect(body).not.toHaveProperty('tool_choice')
    expect(body).not.toHaveProperty('parallel_tool_calls')
  })

  it('records losses of top-level fields', () => {
    const native = { protocol: 'other', fields: { safetySettings: [] } }
    expect(write({ topK: 3, native, serviceTier: 'standard_only' }).losses).toEqual([
      'safetySettings',
      'top_k',
      'service_tier',
    ])
    expect(write({ userId: 'u'.repeat(65) }).body).not.toHaveProperty('user')
  })
})

it('writes a request that it has read unchanged', () => {
  const messages = [
    { role: 'system', content: 's' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'a', weight: 2 },
        { type: 'image_url', image_url: { url: 'https://x/y.png', detail: 'high' } },
      ],
    },
    {
      role: 'assistant',
      content: 'b',
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{"a": 1.0}' } }],
      partial: true,
    },
    { role: 'tool', tool_call_id: 'c', content: 'r' },
    { role: 'user', content: 'z', name: 'ann' },
  ]
  const fields = {
    tools: [
      { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: false } },
    ],
    tool_choice: { type: 'function', function: { name: 'f' } },
    parallel_tool_calls: false,
    max_completion_tokens: 7,
    temperature: 0,
    seed: 0,
    stop: ['x'],
    n: 2,
    logprobs: true,
    top_logprobs: 3,
    response_format: { type: 'json_schema', json_schema: { name: 's', schema: {}, strict: true } },
    verbosity: 'low',
    reasoning_effort: 'low',
    user: 'u',
    metadata: { a: 'b' },
    prediction: { type: 'content', content: 'x' },
  }
  const { body, losses } = write(readFields({ messages, ...fields }))
  expect(body).toEqual({ model: 'up', messages, ...fields })
  expect(losses).toEqual([])
  expect(write({ turns: readMessages(...messages).turns }).body.messages).toEqual(messages)
})
