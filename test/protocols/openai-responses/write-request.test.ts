import { describe, expect, it } from 'vitest'
import type { Block } from '../../../src/chat/blocks.js'
import type { ChatRequest } from '../../../src/chat/request.js'
import { RelayError } from '../../../src/errors.js'
import { read, write } from './responses-fixtures.js'

const hello: ChatRequest['turns'] = [{ role: 'user', blocks: [{ type: 'text', text: 'Hi' }], at: 'messages[0]' }]
const user = (...blocks: Block[]): Partial<ChatRequest> => ({ turns: [{ role: 'user', blocks, at: 'messages[0]' }] })
const assistant = (...blocks: Block[]): Partial<ChatRequest> => ({
  turns: [...hello, { role: 'assistant', blocks, at: 'messages[1]' }, ...hello],
})
const items = (request: Partial<ChatRequest>): unknown[] => write(request).body.input as unknown[]

describe('a request', () => {
  it('gives images of several turns different ids', () => {
    const image: Block = { type: 'media', kind: 'image', source: { type: 'bytes', data: 'AA' } }
    const drawn = { role: 'assistant', blocks: [image, image] } as const
    const ids = items({ turns: [...hello, drawn, ...hello, drawn] }).flatMap(
      (item) => (item as { id?: string }).id ?? [],
    )
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(4)
  })

  it('is not stored, and requests encrypted reasoning', () => {
    expect(write({ turns: hello, stream: true }).body).toEqual({
      model: 'up',
      stream: true,
      store: false,
      input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
      include: ['reasoning.encrypted_content'],
    })
  })

  it('requests no reasoning of a model that does not reason', () => {
    const { body, losses } = write({ turns: hello, reasoning: { effort: 'high' } }, { reasoning: 'none' })
    expect(body).not.toHaveProperty('include')
    expect(body).not.toHaveProperty('reasoning')
    expect(losses.map(({ path }) => path)).toEqual(['reasoning_effort'])
  })

  it('has the first system text as instructions, and later ones in place', () => {
    const system = (text: string): ChatRequest['turns'][number] => ({
      role: 'system',
      blocks: [{ type: 'text', text }],
    })
    const { body } = write({ turns: [system('A'), ...hello, system('B')] })
    expect(body.instructions).toBe('A')
    expect((body.input as { role: string }[]).map(({ role }) => role)).toEqual(['user', 'system'])
    expect(write({ turns: [system('A')] }).body.input).toHaveLength(1)
  })

  it('HC-025: has flat tools, tool choice and format, with an explicit strict', () => {
    const { body } = write({
      turns: hello,
      tools: [
        { type: 'function', name: 'f', schema: { a: 1 }, at: 'tools[0]' },
        { type: 'freeform', name: 'p', at: 'tools[1]' },
        { type: 'function', name: 'none', strict: true, at: 'tools[2]' },
      ],
      toolChoice: { type: 'tool', name: 'f' },
      parallelToolCalls: false,
      format: { type: 'schema', name: 's', schema: {}, strict: true },
      verbosity: 'low',
    })
    expect(body.tools).toEqual([
      { type: 'function', name: 'f', parameters: { a: 1 }, strict: false },
      { type: 'custom', name: 'p' },
      { type: 'function', name: 'none', parameters: { type: 'object', properties: {} }, strict: true },
    ])
    expect(body.tool_choice).toEqual({ type: 'function', name: 'f' })
    expect(body.parallel_tool_calls).toBe(false)
    expect(body.text).toEqual({
      format: { type: 'json_schema', name: 's', schema: {}, strict: true },
      verbosity: 'low',
    })
  })

  it.each<[ChatRequest['toolChoice'], unknown]>([
    [{ type: 'required' }, 'required'],
    [{ type: 'none' }, 'none'],
    [
      { type: 'tool', name: 'p' },
      { type: 'custom', name: 'p' },
    ],
    [
      { type: 'allowed', mode: 'auto', names: ['p', 'f'] },
      {
        type: 'allowed_tools',
        mode: 'auto',
        tools: [
          { type: 'custom', name: 'p' },
          { type: 'function', name: 'f' },
        ],
      },
    ],
  ])('writes the choice %j', (toolChoice, expected) => {
    const tools: ChatRequest['tools'] = [{ type: 'freeform', name: 'p', at: 'tools[0]' }]
    expect(write({ turns: hello, tools, toolChoice }).body.tool_choice).toEqual(expected)
  })

  it('HC-024: has no tool choice without tools', () => {
    const { body } = write({ turns: hello, toolChoice: { type: 'auto' }, parallelToolCalls: true })
    expect(body).not.toHaveProperty('tool_choice')
    expect(body).not.toHaveProperty('parallel_tool_calls')
  })

  it('HC-033: refuses several choices', () => {
    expect(() => write({ turns: hello, choices: 2 })).toThrow(RelayError)
    expect(write({ turns: hello, choices: 1 }).losses).toEqual([])
  })

  it('HC-034: records a loss for fields without an equivalent', () => {
    const { losses } = write({
      turns: [{ ...hello[0], role: 'user', blocks: [{ type: 'text', text: 'a', cache: { ttl: '5m' } }], name: 'Ann' }],
      topK: 3,
      frequencyPenalty: 1,
      presencePenalty: 1,
      seed: 5,
      stop: ['END'],
      modalities: ['text', 'audio'],
      serviceTier: 'platinum',
      tools: [{ type: 'foreign', protocol: 'gemini', kind: 'urlContext', value: {}, at: 'tools[0]' }],
      native: { protocol: 'openai-chat', fields: { logit_bias: {} } },
    })
    expect(losses.map(({ path }) => path).sort()).toEqual([
      'frequency_penalty',
      'logit_bias',
      'messages[0].name',
      'modalities',
      'presence_penalty',
      'seed',
      'service_tier',
      'stop',
      'tools[0]',
      'top_k',
    ])
  })

  it('HC-008: drops unsupported sampling with a loss', () => {
    const { body, losses } = write({ turns: hello, temperature: 0.3, topP: 1 }, { sampling: 'none' })
    expect(body).not.toHaveProperty('temperature')
    expect(body).not.toHaveProperty('top_p')
    expect(losses.map(({ path }) => path)).toEqual(['temperature'])
    expect(write({ turns: hello, temperature: 0.3, topP: 0.5 }).body).toMatchObject({ temperature: 0.3, top_p: 0.5 })
  })

  it('HC-010: writes a cap of 0 as a prewarm, and raises a cap below the minimum with a loss', () => {
    expect(write({ turns: hello, maxOutputTokens: 0 }).body).toMatchObject({ prompt_cache_options: { prewarm: true } })
    expect(write({ turns: hello, maxOutputTokens: 0 }).body).not.toHaveProperty('max_output_tokens')
    const { body, losses } = write({ turns: hello, maxOutputTokens: 1 })
    expect(body.max_output_tokens).toBe(16)
    expect(losses.map(({ path }) => path)).toEqual(['max_completion_tokens'])
  })

  it.each<[ChatRequest['reasoning'], readonly string[] | undefined, unknown]>([
    [{ effort: 'minimal' }, undefined, { effort: 'minimal' }],
    [{ effort: 'max' }, ['low', 'medium', 'high'], { effort: 'high' }],
    [{ budget: 9000 }, undefined, { effort: 'medium' }],
    [{ budget: -1 }, undefined, undefined],
    [{ effort: 'low', visible: true }, undefined, { effort: 'low', summary: 'auto' }],
    [{ effort: 'low', summary: 'detailed', visible: true }, undefined, { effort: 'low', summary: 'detailed' }],
    [{ effort: 'none' }, undefined, { effort: 'none' }],
  ])('requests the reasoning %j', (reasoning, taken, expected) => {
    expect(write({ turns: hello, reasoning }, taken ? { reasoningEfforts: taken } : {}).body.reasoning).toEqual(
      expected,
    )
  })

  it('has the other fields under their own names', () => {
    expect(
      write({
        turns: hello,
        userId: 'u',
        metadata: { a: 'b' },
        serviceTier: 'standard_only',
        cacheKey: 'k',
        logprobs: 2,
        format: { type: 'json' },
      }).body,
    ).toMatchObject({
      safety_identifier: 'u',
      metadata: { a: 'b' },
      service_tier: 'default',
      prompt_cache_key: 'k',
      top_logprobs: 2,
      include: ['reasoning.encrypted_content', 'message.output_text.logprobs'],
      text: { format: { type: 'json_object' } },
    })
  })
})

describe('a user message', () => {
  it('may hold images, files and audio', () => {
    const [message] = items(
      user(
        { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: '/9j/4AAQ' } },
        { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/a' }, detail: 'high' },
        { type: 'media', kind: 'file', mime: 'application/pdf', source: { type: 'bytes', data: 'JVBERg==' } },
        { type: 'media', kind: 'file', source: { type: 'text', text: 'é' }, name: 'notes' },
        { type: 'media', kind: 'audio', mime: 'audio/x-wav', source: { type: 'bytes', data: 'AAAA' } },
      ),
    ) as { content: unknown[] }[]
    expect(message?.content).toEqual([
      { type: 'input_image', detail: 'auto', image_url: 'data:image/jpeg;base64,/9j/4AAQ' },
      { type: 'input_image', detail: 'high', image_url: 'https://x/a' },
      { type: 'input_file', filename: 'file.pdf', file_data: 'data:application/pdf;base64,JVBERg==' },
      { type: 'input_file', filename: 'notes.txt', file_data: 'data:text/plain;base64,w6k=' },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ])
  })

  it('is refused if nothing of it can be translated, else the rest is a loss', () => {
    const video: Block = {
      type: 'media',
      kind: 'video',
      source: { type: 'url', url: 'https://x/v' },
      at: 'messages[0].content[0]',
    }
    expect(() => write(user(video))).toThrow(/messages\[0\]/)
    const { losses } = write(user(video, { type: 'text', text: 'a' }))
    expect(losses.map(({ path }) => path)).toEqual(['messages[0].content[0]'])
    const file: Block = { type: 'media', kind: 'file', source: { type: 'id', id: 'f', protocol: 'gemini' } }
    expect(() => write(user(file))).toThrow(RelayError)
  })
})

describe('calls and their results', () => {
  it("keep the input's text, and have matching types", () => {
    expect(
      items({
        turns: [
          ...hello,
          {
            role: 'assistant',
            blocks: [
              { type: 'tool-call', id: 'c1', name: 'f', input: '{"n":1.0}' },
              { type: 'tool-call', id: 'c2', name: 'p', namespace: 'n', input: '*** x', freeform: true },
              { type: 'tool-call', id: 'c3', name: 'g', input: '' },
            ],
          },
          {
            role: 'user',
            blocks: [
              { type: 'tool-result', callId: 'c1', blocks: [{ type: 'text', text: '1' }] },
              { type: 'tool-result', callId: 'c2', blocks: [] },
              { type: 'tool-result', callId: 'c3', failed: true, blocks: [{ type: 'text', text: 'ENOENT' }] },
              { type: 'text', text: 'and?' },
            ],
          },
        ],
      }).slice(1),
    ).toEqual([
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"n":1.0}' },
      { type: 'custom_tool_call', call_id: 'c2', name: 'p', namespace: 'n', input: '*** x' },
      { type: 'function_call', call_id: 'c3', name: 'g', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: '1' },
      { type: 'custom_tool_call_output', call_id: 'c2', output: '' },
      { type: 'function_call_output', call_id: 'c3', output: 'Error: ENOENT' },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'and?' }] },
    ])
  })

  it('HC-016: mark a failed result, also one in parts', () => {
    const image: Block = { type: 'media', kind: 'image', source: { type: 'url', url: 'https://x/a' } }
    const [result] = items(
      user({ type: 'tool-result', callId: 'c', failed: true, blocks: [{ type: 'text', text: 'a' }, image] }),
    ) as { output: unknown }[]
    expect(result?.output).toEqual([
      { type: 'input_text', text: 'Error:' },
      { type: 'input_text', text: 'a' },
      { type: 'input_image', detail: 'auto', image_url: 'https://x/a' },
    ])
  })
})

describe('an assistant message', () => {
  const sealed = { protocol: 'openai-responses', value: 'gAAA', id: 'rs_1', issuer: 'here' }

  it('HC-044: has its reasoning only for the issuer, next to the following item', () => {
    const said: Block = { type: 'text', text: 'b' }
    const thought: Block = { type: 'reasoning', text: 'a' }
    const message = { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'b' }] }
    expect(items(assistant(thought, { type: 'reasoning', text: 'c', signature: sealed }, said))[1]).toEqual({
      type: 'reasoning',
      id: 'rs_1',
      summary: [
        { type: 'summary_text', text: 'a' },
        { type: 'summary_text', text: 'c' },
      ],
      encrypted_content: 'gAAA',
    })
    expect(items(assistant(thought, said))[1]).toEqual(message)
    expect(items(assistant({ ...thought, signature: { ...sealed, issuer: 'there' } }, said))[1]).toEqual(message)
    expect(items(assistant({ ...thought, signature: { protocol: 'gemini', value: 'x' } }, said))[1]).toEqual(message)
    // OpenAI refuses a reasoning item without its following item.
    expect(items(assistant(said, { ...thought, signature: sealed }))).toHaveLength(3)
    expect(write(assistant(thought, said)).losses).toEqual([])
  })

  it('is split by phase, without empty text', () => {
    const phase = (text: string, name: string): Block => ({
      type: 'text',
      text,
      native: { protocol: 'openai-responses', fields: { phase: name } },
    })
    const written = items(
      assistant(
        phase('a', 'commentary'),
        phase('b', 'commentary'),
        { type: 'text', text: '' },
        phase('c', 'final_answer'),
      ),
    )
    expect(written.slice(1, -1)).toEqual([
      {
        type: 'message',
        role: 'assistant',
        content: [
          { type: 'output_text', text: 'a' },
          { type: 'output_text', text: 'b' },
        ],
        phase: 'commentary',
      },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'c' }], phase: 'final_answer' },
    ])
  })

  it('may be a refusal or an image, and blocks of other protocols are losses', () => {
    const { body, losses } = write(
      assistant(
        { type: 'refusal', text: 'no' },
        { type: 'media', kind: 'image', mime: 'image/png', source: { type: 'bytes', data: 'AAAA' } },
        { type: 'foreign', protocol: 'gemini', kind: 'executableCode', value: {}, at: 'contents[1].parts[2]' },
      ),
    )
    expect(body.input).toMatchObject([
      {},
      { content: [{ type: 'refusal', refusal: 'no' }] },
      { type: 'image_generation_call', result: 'AAAA' },
      {},
    ])
    expect(losses.map(({ path }) => path)).toEqual(['contents[1].parts[2]'])
  })
})

describe('a round trip', () => {
  it('returns the same request', () => {
    const body = {
      instructions: 'Be brief.',
      input: [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_image', detail: 'low', image_url: 'https://x/a.png' },
          ],
        },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 's' }], encrypted_content: 'gAAA' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'b' }], phase: 'commentary' },
        { type: 'function_call', call_id: 'c1', name: 'f', namespace: 'n', arguments: '{}' },
        { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } },
        {
          type: 'function_call_output',
          call_id: 'c1',
          output: [
            { type: 'input_text', text: 'x' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERg==' },
          ],
        },
        { type: 'message', role: 'system', content: [{ type: 'input_text', text: 'late' }] },
      ],
      tools: [
        {
          type: 'namespace',
          name: 'n',
          description: 'N',
          tools: [{ type: 'function', name: 'f', parameters: {}, strict: true, defer_loading: true }],
        },
        { type: 'web_search_preview', search_context_size: 'low' },
        { type: 'mcp', server_label: 'x' },
        { type: 'custom', name: 'p', description: 'P', format: { type: 'text' } },
      ],
      tool_choice: { type: 'mcp', server_label: 'x' },
      max_output_tokens: 100,
      text: { format: { type: 'text' }, verbosity: 'high' },
      reasoning: { effort: 'low', mode: 'pro' },
      include: ['reasoning.encrypted_content', 'file_search_call.results'],
      truncation: 'auto',
      client_metadata: { a: '1' },
    }
    const { body: written, losses } = write(read(body))
    expect(written).toEqual({ model: 'up', store: false, ...body })
    expect(losses).toEqual([])
  })
})
