import { describe, expect, it } from 'vitest'
import { wrapSignature } from '../../../src/chat/signatures.js'
import { RelayError } from '../../../src/errors.js'
import { openaiResponses } from '../../../src/protocols/openai-responses/index.js'
import { NO_PATH, read, refusedRequest, withoutUndefined } from './responses-fixtures.js'

const facts = (body: string): unknown => {
  try {
    return openaiResponses.readFacts(Buffer.from(body), NO_PATH)
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    return [error.status, error.param]
  }
}

describe('readFacts', () => {
  it('finds model and stream flag', () => {
    const body = '{"input":"é","model":"gpt-x","stream":true}'
    expect(facts(body)).toMatchObject({ model: 'gpt-x', modelSpan: { start: 22, end: 29 }, stream: true })
  })

  it.each([
    ['', [400, null]],
    ['[]', [400, null]],
    ['{"input":"a"}', [400, 'model']],
    ['{"model":"","input":"a"}', [400, 'model']],
    ['{"model":"a","model":"b","input":"a"}', [400, 'model']],
    ['{"model":"a","input":5}', [400, 'input']],
    ['{"model":"a","input":"a","stream":"yes"}', [400, 'stream']],
    ['{"model":"a","input":"a","tools":{}}', [400, 'tools']],
    ['{"model":"a","input":"a","text":"json"}', [400, 'text']],
    ['{"model":"a","input":"a","temperature":"1"}', [400, 'temperature']],
    [`{"model":"a","input":${'['.repeat(2000)}${']'.repeat(2000)}}`, [400, null]],
  ])('refuses %s', (body, expected) => expect(facts(body)).toEqual(expected))
})

describe('the input', () => {
  it('may be a string', () => {
    const { turns } = read({ instructions: 'Be brief.', input: 'Hi' })
    expect(withoutUndefined(turns)).toEqual([
      { role: 'system', blocks: [{ type: 'text', text: 'Be brief.', at: 'instructions' }], at: 'instructions' },
      { role: 'user', blocks: [{ type: 'text', text: 'Hi', at: 'input' }], at: 'input' },
    ])
  })

  it('may have messages of all roles, with and without a type', () => {
    const { turns } = read({
      input: [
        { role: 'developer', content: 'D' },
        { role: 'user', content: [{ type: 'input_text', text: 'a' }] },
        {
          type: 'message',
          role: 'assistant',
          id: 'msg_1',
          status: 'completed',
          content: [{ type: 'output_text', text: 'b', annotations: [] }],
        },
        { role: 'assistant', content: 'c' },
        { type: 'message', role: 'system', content: 'S' },
      ],
    })
    expect(turns.map(({ role, blocks }) => [role, ...blocks.map((block) => 'text' in block && block.text)])).toEqual([
      ['system', 'D'],
      ['user', 'a'],
      ['assistant', 'b', 'c'],
      ['system', 'S'],
    ])
    expect(turns[2]?.at).toBe('input[2]')
    expect(turns[2]?.blocks[0]?.at).toBe('input[2].content[0]')
  })

  it('joins assistant items into one turn, and tool results into one', () => {
    const { turns } = read({
      input: [
        { role: 'user', content: 'w?' },
        {
          type: 'reasoning',
          id: 'rs_1',
          summary: [
            { type: 'summary_text', text: 'hm' },
            { type: 'summary_text', text: 'so' },
          ],
          encrypted_content: 'gAAA',
        },
        { type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'f', arguments: '{"n":1.0}', status: 'completed' },
        { type: 'custom_tool_call', call_id: 'c2', name: 'patch', namespace: 'editor', input: '*** Begin' },
        { type: 'function_call_output', call_id: 'c1', output: 'one' },
        {
          type: 'custom_tool_call_output',
          call_id: 'c2',
          output: [
            { type: 'input_text', text: 'two' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
          ],
        },
        { role: 'user', content: 'go on' },
      ],
    })
    expect(turns.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'user'])
    expect(withoutUndefined(turns[1]?.blocks)).toEqual([
      { type: 'reasoning', text: 'hm', at: 'input[1].summary[0]' },
      {
        type: 'reasoning',
        text: 'so',
        at: 'input[1].summary[1]',
        signature: { protocol: 'openai-responses', value: 'gAAA', id: 'rs_1' },
      },
      { type: 'tool-call', id: 'c1', name: 'f', input: '{"n":1.0}', at: 'input[2]' },
      {
        type: 'tool-call',
        id: 'c2',
        name: 'patch',
        namespace: 'editor',
        input: '*** Begin',
        freeform: true,
        at: 'input[3]',
      },
    ])
    expect(withoutUndefined(turns[2]?.blocks)).toMatchObject([
      { type: 'tool-result', callId: 'c1', blocks: [{ type: 'text', text: 'one' }], at: 'input[4]' },
      {
        type: 'tool-result',
        callId: 'c2',
        blocks: [
          { type: 'text' },
          { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } },
        ],
      },
    ])
  })

  it('finds the call of a result that has a name only', () => {
    const call = { type: 'function_call', name: 'f', arguments: '{}' }
    const { turns } = read({
      input: [
        { ...call, call_id: 'c1' },
        { ...call, call_id: 'c2' },
        { type: 'function_call_output', call_id: 'c2', output: '2' },
        { type: 'function_call_output', name: 'f', output: '1' },
      ],
    })
    expect(turns[1]?.blocks).toMatchObject([{ callId: 'c2' }, { callId: 'c1' }])
  })

  it('HC-026: drops a reasoning item without encrypted content and text', () => {
    const after = { role: 'user', content: 'continue' }
    expect(read({ input: [{ type: 'reasoning', id: 'rs_1', summary: [] }, after] }).turns).toHaveLength(1)
    const { turns } = read({
      input: [{ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'raw' }] }, after],
    })
    expect(withoutUndefined(turns[0]?.blocks)).toEqual([{ type: 'reasoning', text: 'raw', at: 'input[0].content[0]' }])
  })

  it('keeps images, files and audio', () => {
    const [turn] = read({
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_image', image_url: 'https://x.example/a.png', detail: 'low' },
            { type: 'input_image', file_id: 'file_1' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' },
            { type: 'input_file', file_url: 'https://x.example/a.pdf' },
            { type: 'input_file', file_id: 'file_2' },
            { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
          ],
        },
      ],
    }).turns
    expect(withoutUndefined(turn?.blocks)).toMatchObject([
      { kind: 'image', source: { type: 'url', url: 'https://x.example/a.png' }, detail: 'low' },
      { kind: 'image', source: { type: 'id', id: 'file_1', protocol: 'openai-responses' } },
      { kind: 'file', name: 'a.pdf', mime: 'application/pdf', source: { type: 'bytes', data: 'JVBERg==' } },
      { kind: 'file', source: { type: 'url', url: 'https://x.example/a.pdf' } },
      { kind: 'file', source: { type: 'id', id: 'file_2' } },
      { kind: 'audio', mime: 'audio/mpeg', source: { data: 'AAAA' } },
    ])
  })

  it('keeps phases, cache breakpoints and unknown fields in place', () => {
    const { turns } = read({
      input: [
        {
          role: 'user',
          content: [{ type: 'input_text', text: 'a', prompt_cache_breakpoint: { mode: 'explicit', ttl: '30m' } }],
          mood: 'calm',
        },
        { role: 'assistant', content: 'b', phase: 'commentary' },
      ],
    })
    expect(turns[0]?.native?.fields).toEqual({ mood: 'calm' })
    expect(turns[0]?.blocks[0]?.cache).toEqual({ ttl: '30m' })
    expect(turns[1]?.blocks[0]?.native?.fields).toEqual({ phase: 'commentary' })
  })

  it('keeps items that only this protocol has', () => {
    const search = { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } }
    const { turns } = read({ input: [{ role: 'user', content: 'x' }, search] })
    expect(turns[1]).toMatchObject({
      role: 'assistant',
      blocks: [{ type: 'foreign', kind: 'web_search_call', value: search, at: 'input[1]' }],
    })
  })

  it('HC-041, HC-042: restores signatures of calls and texts from reasoning items', () => {
    const sealed = (id: string): object => ({
      type: 'reasoning',
      id: 'rs_x',
      summary: [],
      encrypted_content: wrapSignature({ protocol: 'gemini', value: 'U0lH', id }, 'tag'),
    })
    const { turns } = read({
      input: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'said' },
        sealed('text'),
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'f', arguments: '{}' },
        sealed('call:c1'),
        { type: 'function_call_output', call_id: 'c1', output: '' },
      ],
    })
    const signature = { protocol: 'gemini', value: 'U0lH', issuer: 'tag' }
    expect(withoutUndefined(turns[1]?.blocks)).toMatchObject([
      { type: 'text', signature },
      { id: 'c1', signature },
      { id: 'c2' },
    ])
    expect(turns[1]?.blocks).toHaveLength(3)
    expect(turns[1]?.blocks[2]).not.toHaveProperty('signature')
  })
})

describe('HC-030: a reference to stored state', () => {
  it.each([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', 'previous_response_not_found'],
    [{ conversation: 'conv_1' }, 'conversation', null],
    [{ conversation: { id: 'conv_1' } }, 'conversation', null],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt', null],
    [{ background: true }, 'background', null],
    [{ input: [{ type: 'item_reference', id: 'rs_1' }] }, 'input[0]', null],
    [{ input: [{ type: 'image_generation_call', id: 'ig_1', result: null }] }, 'input[0]', null],
  ])('is refused: %j', (fields, param, code) => {
    const error = refusedRequest({ input: 'more', ...fields })
    expect(error).toMatchObject({ status: 400, param, code })
    expect(error.message).toMatch(/this relay (?:has not stored|stores no|runs no)/)
  })
})

describe('HC-032: refuses invalid fields with their path', () => {
  const user = (content: unknown): object => ({ input: [{ role: 'user', content }] })

  it.each<[object, string]>([
    [{}, 'input'],
    [{ input: 3 }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [null] }, 'input[0]'],
    [{ input: [{}] }, 'input[0].type'],
    [{ input: [{ type: 'video_call' }] }, 'input[0].type'],
    [{ input: [{ role: 'speaker', content: 'a' }] }, 'input[0].role'],
    [user(null), 'input[0].content'],
    [user(5), 'input[0].content'],
    [user([]), 'input[0].content'],
    [user([{ text: 'a' }]), 'input[0].content[0].type'],
    [user([{ type: 'input_text' }]), 'input[0].content[0].text'],
    [user([{ type: 'input_video', url: 'a' }]), 'input[0].content[0].type'],
    [user([{ type: 'input_image' }]), 'input[0].content[0].image_url'],
    [user([{ type: 'input_image', image_url: 'https://x', detail: 'most' }]), 'input[0].content[0].detail'],
    [
      user([{ type: 'input_audio', input_audio: { data: '', format: 'ogg' } }]),
      'input[0].content[0].input_audio.format',
    ],
    [{ input: [{ type: 'function_call', call_id: 'a', name: 'f', arguments: {} }] }, 'input[0].arguments'],
    [{ input: [{ type: 'function_call_output', output: 'a' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'function_call_output', call_id: 'a' }] }, 'input[0].output'],
    [{ input: 'a', tools: [{ type: 'teleport' }] }, 'tools[0].type'],
    [{ input: 'a', tools: [{ type: 'function' }] }, 'tools[0].name'],
    [{ input: 'a', tools: [{ type: 'function', name: 'f', parameters: 'none' }] }, 'tools[0].parameters'],
    [{ input: 'a', tools: [{ type: 'namespace', name: 'n', tools: [{ type: 'mcp' }] }] }, 'tools[0].tools[0].type'],
    [{ input: 'a', tool_choice: 'maybe' }, 'tool_choice'],
    [{ input: 'a', tool_choice: { type: 'function' } }, 'tool_choice.name'],
    [{ input: 'a', text: { format: { type: 'yaml' } } }, 'text.format.type'],
    [{ input: 'a', text: { format: { type: 'json_schema', name: 's' } } }, 'text.format.schema'],
    [{ input: 'a', reasoning: { effort: 'enormous' } }, 'reasoning.effort'],
    [{ input: 'a', max_output_tokens: 2 ** 53 }, 'max_output_tokens'],
    [{ input: 'a', metadata: { a: 1 } }, 'metadata.a'],
    [{ input: 'a', include: 'all' }, 'include'],
  ])('%j', (body, param) => expect(refusedRequest(body)).toMatchObject({ status: 400, param }))
})

describe('tools and choices', () => {
  it('HC-028, HC-029: reads functions, plain-text tools, groups, web search and built-in tools', () => {
    const format = { type: 'grammar', syntax: 'lark', definition: 'start: /.+/s' }
    const { tools } = read({
      input: [
        { role: 'user', content: 'a' },
        {
          type: 'additional_tools',
          role: 'developer',
          tools: [
            { type: 'function', name: 'late', parameters: null, strict: true },
            { type: 'function', name: 'f' },
          ],
        },
      ],
      tools: [
        { type: 'function', name: 'f', description: 'F', parameters: { type: 'object' }, defer_loading: true },
        { type: 'custom', name: 'apply_patch', format },
        {
          type: 'namespace',
          name: 'editor',
          description: 'Edits',
          tools: [
            { type: 'custom', name: 'apply_patch' },
            { type: 'function', name: 'open' },
          ],
        },
        { type: 'web_search', search_context_size: 'low' },
        { type: 'web_search_preview' },
        { type: 'file_search', vector_store_ids: ['vs'] },
      ],
    })
    expect(withoutUndefined(tools)).toEqual([
      {
        type: 'function',
        name: 'f',
        description: 'F',
        schema: { type: 'object' },
        at: 'tools[0]',
        native: { protocol: 'openai-responses', fields: { defer_loading: true } },
      },
      { type: 'freeform', name: 'apply_patch', format, at: 'tools[1]' },
      {
        type: 'freeform',
        name: 'apply_patch',
        namespace: 'editor',
        at: 'tools[2].tools[0]',
        native: { protocol: 'openai-responses', fields: { namespace_description: 'Edits' } },
      },
      { type: 'function', name: 'open', namespace: 'editor', at: 'tools[2].tools[1]' },
      {
        type: 'web-search',
        at: 'tools[3]',
        native: { protocol: 'openai-responses', fields: { search_context_size: 'low' } },
      },
      {
        type: 'web-search',
        at: 'tools[4]',
        native: { protocol: 'openai-responses', fields: { type: 'web_search_preview' } },
      },
      {
        type: 'foreign',
        protocol: 'openai-responses',
        kind: 'file_search',
        value: { type: 'file_search', vector_store_ids: ['vs'] },
        at: 'tools[5]',
      },
      { type: 'function', name: 'late', strict: true, at: 'input[1].tools[0]' },
    ])
  })

  it.each<[unknown, unknown]>([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'required' }],
    [
      { type: 'function', name: 'f' },
      { type: 'tool', name: 'f' },
    ],
    [
      { type: 'custom', name: 'p' },
      { type: 'tool', name: 'p' },
    ],
    [
      {
        type: 'allowed_tools',
        mode: 'required',
        tools: [
          { type: 'function', name: 'f' },
          { type: 'mcp', server_label: 'x' },
        ],
      },
      { type: 'allowed', mode: 'required', names: ['f'] },
    ],
    [{ type: 'file_search' }, undefined],
  ])('reads the choice %j', (choice, expected) => {
    expect(withoutUndefined(read({ input: 'a', tool_choice: choice }).toolChoice ?? null)).toEqual(expected ?? null)
  })

  it('keeps a choice without a neutral equivalent', () => {
    const choice = { type: 'file_search' }
    expect(read({ input: 'a', tool_choice: choice }).native?.fields.tool_choice).toEqual(choice)
    expect(read({ input: 'a', tool_choice: 'auto' }).native?.fields).not.toHaveProperty('tool_choice')
  })
})

describe('other fields', () => {
  it('are read if they have a neutral equivalent', () => {
    const request = read({
      input: 'a',
      stream: true,
      max_output_tokens: 99,
      temperature: 0.5,
      top_p: 0.9,
      parallel_tool_calls: false,
      text: { format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      reasoning: { effort: 'high', summary: 'auto' },
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      top_logprobs: 3,
      safety_identifier: 'u1',
      user: 'u2',
      metadata: { a: 'b' },
      service_tier: 'flex',
      prompt_cache_key: 'k',
    })
    expect(withoutUndefined(request)).toMatchObject({
      stream: true,
      maxOutputTokens: 99,
      temperature: 0.5,
      topP: 0.9,
      parallelToolCalls: false,
      format: { type: 'schema', name: 's', schema: { type: 'object' }, strict: true },
      verbosity: 'low',
      reasoning: { effort: 'high', visible: true, summary: 'auto' },
      logprobs: 3,
      userId: 'u1',
      metadata: { a: 'b' },
      serviceTier: 'flex',
      cacheKey: 'k',
    })
    expect(Object.keys(request.native?.fields ?? {})).toEqual([])
  })

  it('are kept if they are unknown, and dropped if they have their default', () => {
    const request = read({
      input: 'a',
      store: true,
      background: false,
      truncation: 'disabled',
      stream_options: { include_obfuscation: false },
      client_metadata: { a: 1 },
      max_tool_calls: 3,
      include: ['web_search_call.action.sources'],
      reasoning: { mode: 'pro' },
      instructions: null,
      prompt: null,
    })
    expect({ ...(withoutUndefined(request.native?.fields) as object) }).toEqual({
      client_metadata: { a: 1 },
      max_tool_calls: 3,
      include: ['web_search_call.action.sources'],
      reasoning: { mode: 'pro' },
    })
  })

  it('HC-142: may be named after properties of Object.prototype', () => {
    const body =
      '{"model":"m","input":"a","__proto__":{"odd":true},"tools":[{"type":"function","name":"constructor","toString":1}]}'
    const request = openaiResponses.readRequest(Buffer.from(body), NO_PATH)
    expect(Object.keys(request.native?.fields ?? {})).toEqual(['__proto__'])
    expect(({} as { odd?: unknown }).odd).toBeUndefined()
    expect(request.tools).toMatchObject([{ name: 'constructor', native: { fields: { toString: 1 } } }])
  })
})

describe('requests of real clients', () => {
  it("reads Codex CLI's request", () => {
    const request = read({
      stream: true,
      input: [
        { type: 'message', role: 'developer', content: [{ type: 'input_text', text: '<permissions>' }] },
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'run ls' }] },
        { type: 'reasoning', summary: [], encrypted_content: 'gAAAA' },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'I will.' }],
          phase: 'commentary',
        },
        { type: 'custom_tool_call', status: 'completed', call_id: 'c1', name: 'exec', input: 'ls' },
        { type: 'custom_tool_call_output', call_id: 'c1', output: 'a.txt' },
      ],
      tools: [
        { type: 'custom', name: 'exec', description: 'Run', format: { type: 'text' } },
        {
          type: 'function',
          name: 'update_plan',
          description: 'Plan',
          strict: false,
          parameters: { type: 'object', properties: {} },
        },
        { type: 'web_search', external_web_access: false },
      ],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      reasoning: { effort: 'medium', summary: 'auto' },
      store: false,
      include: ['reasoning.encrypted_content'],
      prompt_cache_key: '0199',
      client_metadata: { 'x-codex-installation-id': 'a' },
    })
    expect(request.turns.map(({ role, blocks }) => [role, ...blocks.map(({ type }) => type)])).toEqual([
      ['system', 'text'],
      ['user', 'text'],
      ['assistant', 'reasoning', 'text', 'tool-call'],
      ['user', 'tool-result'],
    ])
    expect(request.tools.map(({ type }) => type)).toEqual(['freeform', 'function', 'web-search'])
  })
})
