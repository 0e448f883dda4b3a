import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/chat/blocks.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { fitTools } from '../../src/chat/fit-tools.js'
import { Losses } from '../../src/chat/losses.js'
import type { ChatRequest, Tool } from '../../src/chat/request.js'
import type { Traits } from '../../src/chat/traits.js'

const narrow: Traits = {
  toolName: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  toolId: { pattern: /^[A-Za-z0-9_-]+$/, maxLength: 64 },
  freeformTools: false,
  toolNamespaces: false,
  objectInput: true,
}

function request(tools: readonly Tool[], blocks: readonly Block[] = []): ChatRequest {
  return { stream: false, turns: [{ role: 'assistant', blocks }], tools, stop: [] }
}

const tool = (name: string, more: object = {}): Tool => ({ type: 'function', name, at: 'tools[0]', ...more })
const call = (name: string, input = '{}', id = 'c1'): Block => ({
  type: 'tool-call',
  id,
  name,
  input,
  at: 'messages[1]',
})

function namesOf({ tools }: ChatRequest): string[] {
  return tools.map((one) => ('name' in one ? one.name : one.type))
}

describe('tools adapted to a protocol', () => {
  it('returns the same object if nothing must change', () => {
    const given = request([tool('get_weather')], [call('get_weather', '{"city":"Oslo"}')])
    const { request: fitted } = fitTools(given, narrow, new Losses('x'))
    expect(fitted.tools[0]).toBe(given.tools[0])
    expect(fitted.turns).toEqual(given.turns)
  })

  it('HC-021: shortens long names to distinct ones, and restores them', () => {
    const long = 'mcp__chrome_devtools_mcp__chrome_devtools_performance_analyze_insight'
    const longer = `${long.slice(0, 60)}_something_else_entirely`
    const given = request([tool(long), tool(longer), tool('a.b')], [call(long)])
    const { request: fitted, toolNames } = fitTools(
      { ...given, toolChoice: { type: 'tool', name: 'a.b' } },
      narrow,
      new Losses('x'),
    )
    const names = namesOf(fitted)
    expect(new Set(names).size).toBe(3)
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    expect(fitted.turns[0]?.blocks[0]).toMatchObject({ name: names[0] })
    expect(fitted.toolChoice).toEqual({ type: 'tool', name: names[2] })
    const choices = [{ blocks: names.map((name) => call(name)), finish: { reason: 'tool-calls' as const } }]
    expect(toolNames.answer({ choices }).choices[0]?.blocks).toMatchObject([
      { name: long },
      { name: longer },
      { name: 'a.b' },
    ])
    expect(namesOf(fitTools(given, narrow, new Losses('x')).request)).toEqual(names)
  })

  it('HC-022: writes ids of an exact length, the same for call and result', () => {
    const exact: Traits = { ...narrow, toolId: { pattern: /^[A-Za-z0-9]+$/, maxLength: 9, exact: true } }
    const result: Block = { type: 'tool-result', callId: 'call_0fypS1hVX', blocks: [] }
    const given = request([], [call('f', '{}', 'call_0fypS1hVX'), call('f', '{}', 'toolu_01A'), result])
    const [first, second, answered] = fitTools(given, exact, new Losses('x')).request.turns[0]?.blocks ?? []
    const ids = [first, second].map((block) => (block?.type === 'tool-call' ? block.id : ''))
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{9}$/)
    expect(ids[0]).not.toBe(ids[1])
    expect(answered).toMatchObject({ callId: ids[0] })
  })

  it.each([
    ['', '{}', 0],
    ['  ', '{}', 0],
    ['{"a":9007199254740993}', '{"a":9007199254740993}', 0],
    ['{"a":1', '{"_raw":"{\\"a\\":1"}', 1],
    ['[1]', '{"_raw":"[1]"}', 1],
    ['{"a":1}{"b":2}', '{"_raw":"{\\"a\\":1}{\\"b\\":2}"}', 1],
  ])('HC-017: writes the input %j as %j', (input, expected, losses) => {
    const told = new Losses('x')
    const { request: fitted } = fitTools(request([], [call('f', input)]), narrow, told)
    expect(fitted.turns[0]?.blocks[0]).toMatchObject({ input: expected })
    expect(told.list).toHaveLength(losses)
  })

  it('HC-028: writes a plain-text tool and its history as a function', () => {
    const format = { type: 'grammar', syntax: 'lark', definition: 'start: /.+/s' }
    const patch: Tool = { type: 'freeform', name: 'apply_patch', description: 'Patches.', format, at: 'tools[0]' }
    const history: Block = { type: 'tool-call', id: 'c', name: 'apply_patch', input: '*** Begin\n"x"', freeform: true }
    const { request: fitted } = fitTools(request([patch], [history]), narrow, new Losses('x'))
    expect(fitted.tools[0]).toMatchObject({
      type: 'function',
      name: 'apply_patch',
      schema: { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] },
    })
    expect((fitted.tools[0] as { description: string }).description).toContain('start: /.+/s')
    expect(fitted.turns[0]?.blocks[0]).toMatchObject({ input: JSON.stringify({ input: '*** Begin\n"x"' }) })
    expect(fitted.turns[0]?.blocks[0]).not.toHaveProperty('freeform', true)
  })

  it('HC-029: flattens groups of tools, and restores name, group and kind', () => {
    const tools: Tool[] = [
      { type: 'freeform', name: 'apply_patch', namespace: 'editor', at: 'tools[0].tools[0]' },
      tool('open', { namespace: 'editor' }),
    ]
    const { request: fitted, toolNames } = fitTools(request(tools), narrow, new Losses('x'))
    expect(namesOf(fitted)).toEqual(['editor__apply_patch', 'editor__open'])
    const blocks = [call('editor__open', '{"p":1}'), call('editor__apply_patch', '{"input":"x\\ny"}')]
    const restored = toolNames.answer({ choices: [{ blocks, finish: { reason: 'tool-calls' } }] })
    expect(restored.choices[0]?.blocks).toMatchObject([
      { name: 'open', namespace: 'editor', input: '{"p":1}' },
      { name: 'apply_patch', namespace: 'editor', freeform: true, input: 'x\ny' },
    ])
  })

  it('distinguishes a grouped tool from an equal plain name, also in tool_choice', () => {
    const given = request([tool('b', { namespace: 'a' }), tool('a__b')])
    const { request: fitted, toolNames } = fitTools(
      { ...given, toolChoice: { type: 'allowed', mode: 'required', names: ['b'] } },
      narrow,
      new Losses('x'),
    )
    const [inGroup = '', alone = ''] = namesOf(fitted)
    expect(inGroup).not.toBe(alone)
    expect(fitted.toolChoice).toEqual({ type: 'allowed', mode: 'required', names: [inGroup] })
    const blocks = [call(inGroup), call(alone)]
    expect(
      toolNames.answer({ choices: [{ blocks, finish: { reason: 'tool-calls' } }] }).choices[0]?.blocks,
    ).toMatchObject([{ name: 'b', namespace: 'a' }, { name: 'a__b' }])
  })

  it('HC-142: accepts tools named after properties of Object.prototype', () => {
    const { request: fitted, toolNames } = fitTools(
      request([tool('constructor'), tool('__proto__'), tool('toString')]),
      narrow,
      new Losses('x'),
    )
    expect(namesOf(fitted)).toEqual(['constructor', '__proto__', 'toString'])
    const blocks = [call('constructor')]
    expect(toolNames.answer({ choices: [{ blocks, finish: { reason: 'stop' } }] }).choices[0]?.blocks).toEqual(blocks)
  })
})

describe('the streamed text of a plain-text tool', () => {
  const text = '*** Begin Patch\n"quoted" \\ back\t\u00e9 😀\u0001 end'
  const spellings = [
    JSON.stringify({ input: text }),
    ` { "input" : ${JSON.stringify(text)} } `,
    `{"input":"${[...text].map((c) => (c.length > 1 || c < ' ' || c === '"' || c === '\\' ? JSON.stringify(c).slice(1, -1) : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)).join('')}"}`,
  ]

  it.each(spellings)('is the same wherever the stream is split: %s', (json) => {
    for (let cut = 0; cut <= json.length; cut++) expect(stream([json.slice(0, cut), json.slice(cut)])).toBe(text)
    expect(stream([...json])).toBe(text)
  })

  it('is the model’s own text if that is not the expected object', () => {
    expect(stream(['{"patch":', '"x"}'])).toBe('{"patch":"x"}')
    expect(stream(['{"other":1,"input":"x"}'])).toBe('x')
    expect(stream(['plain words'])).toBe('plain words')
    expect(stream([])).toBe('')
  })

  function stream(pieces: readonly string[]): string {
    const tools: Tool[] = [{ type: 'freeform', name: 'patch', at: 'tools[0]' }]
    const { toolNames } = fitTools(request(tools), narrow, new Losses('x'))
    const fold = new AnswerCollector()
    const emit = toolNames.events((event: ChatEvent) => fold.push(event))
    emit({ type: 'block', index: 0, choice: 0, block: { type: 'tool-call', id: 'c', name: 'patch', input: '' } })
    for (const piece of pieces) emit({ type: 'delta', index: 0, text: piece })
    emit({ type: 'stop', index: 0 })
    emit({ type: 'finish', choice: 0, finish: { reason: 'tool-calls' } })
    const block = fold.answer.choices[0]?.blocks[0]
    return block?.type === 'tool-call' && block.freeform ? block.input : 'not freeform'
  }
})
