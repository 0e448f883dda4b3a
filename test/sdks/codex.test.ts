import type OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { openaiClient } from './clients/openai-chat.js'
import { protocols, startSdkHarness } from './sdk-harness.js'
import type { AnswerContent } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

type Params = OpenAI.Responses.ResponseCreateParamsStreaming
type Event = OpenAI.Responses.ResponseStreamEvent
type Of<Type extends Event['type']> = Extract<Event, { type: Type }>

const PATCH = '*** Begin Patch\n*** Add File: a "b".txt\n+\\n is no line break, 🦊 is one fox\n*** End Patch\n'
const definition = 'start: begin_patch hunk+ end_patch'

/** Tools as Codex sends them: a plain-text patch tool with a grammar, and a group of tools. */
const tools: OpenAI.Responses.Tool[] = [
  { type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition } },
  {
    type: 'namespace',
    name: 'editor',
    description: 'An editor',
    tools: [
      { type: 'function', name: 'open', parameters: { type: 'object', properties: { path: { type: 'string' } } } },
      { type: 'custom', name: 'apply_patch' },
    ],
  },
]

const calls: AnswerContent = {
  reasoning: 'First patch, then look.',
  calls: [
    { id: 'call_p', name: 'apply_patch', input: { input: PATCH } },
    { id: 'call_o', name: 'editor__open', input: { path: 'a' } },
    { id: 'call_e', name: 'editor__apply_patch', input: { input: 'x' } },
  ],
}

const asked = (input: OpenAI.Responses.ResponseInput): Params => ({
  model: 'm',
  instructions: 'You are a coding agent.',
  input,
  tools,
  tool_choice: 'auto',
  parallel_tool_calls: true,
  reasoning: { effort: 'medium', summary: 'auto' },
  include: ['reasoning.encrypted_content'],
  store: false,
  stream: true,
})

function of<Type extends Event['type']>(type: Type, events: readonly Event[]): Of<Type>[] {
  return events.filter((event): event is Of<Type> => event.type === type)
}

describe.each(protocols.filter(({ id }) => id !== 'openai-responses'))('Codex with a model in $id', (protocol) => {
  const converse = async () => {
    const harness = await startSdkHarness(protocol, cleanup)
    harness.scriptAnswers(calls, { text: ['Done'] })
    const client = openaiClient(harness.origin, KEY)
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'Add a file' }]
    const events: Event[] = []
    for await (const event of await client.responses.create(asked(input))) events.push(event)
    const [last] = of('response.completed', events)
    if (!last) return expect.unreachable('it did not complete')
    return { ...harness, client, input, events, output: last.response.output }
  }

  test('streams a patch as plain text', async () => {
    const { events, received } = await converse()
    const pieces = of('response.custom_tool_call_input.delta', events)
    const patch = pieces.filter(({ item_id }) => item_id === pieces[0]?.item_id)
    expect(patch.map(({ delta }) => delta).join('')).toBe(PATCH)
    expect(of('response.custom_tool_call_input.done', events).map(({ input }) => input)).toEqual([PATCH, 'x'])
    expect(of('response.function_call_arguments.done', events).map((done) => JSON.parse(done.arguments))).toEqual([
      { path: 'a' },
    ])
    const items = of('response.output_item.added', events)
    expect(items.map(({ output_index }) => output_index)).toEqual(items.map((_, index) => index))
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index))
    expect(received()[0]?.tools).toEqual(['apply_patch', 'editor__open', 'editor__apply_patch'])
  })

  test('gets the calls with their own names and groups', async () => {
    const { output } = await converse()
    expect(output.filter(({ type }) => type !== 'reasoning')).toMatchObject([
      { type: 'custom_tool_call', call_id: 'call_p', name: 'apply_patch', input: PATCH },
      { type: 'function_call', call_id: 'call_o', name: 'open', namespace: 'editor', arguments: '{"path":"a"}' },
      { type: 'custom_tool_call', call_id: 'call_e', name: 'apply_patch', namespace: 'editor', input: 'x' },
    ])
    expect(output[0]).toMatchObject({ type: 'reasoning', summary: [{ text: 'First patch, then look.' }] })
  })

  test('sends the results to their calls', async () => {
    const { client, input, output, received, restart } = await converse()
    restart()
    const results = ['Patched', 'opened', 'x too']
    const answered = output
      .filter((item) => 'call_id' in item)
      .map((item, index) => ({
        type:
          item.type === 'custom_tool_call' ? ('custom_tool_call_output' as const) : ('function_call_output' as const),
        call_id: String('call_id' in item && item.call_id),
        output: results[index] ?? '',
      }))
    const history = [...input, ...(output as OpenAI.Responses.ResponseInput), ...answered]
    const { output_text } = await client.responses.stream(asked(history)).finalResponse()
    expect(output_text).toBe('Done')
    expect(received()[1]).toMatchObject({
      exchanges: calls.calls?.map(({ name, input: given }, index) => ({ name, input: given, result: results[index] })),
      signatures: protocol.signature ? [protocol.signature] : [],
    })
  })
})
