import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fitTools } from '../src/chat/fit-tools.js'
import { Losses } from '../src/chat/losses.js'
import { wrapSignature } from '../src/chat/signatures.js'
import { protocolOf } from '../src/protocols/index.js'
import type { ProtocolId } from '../src/protocols/protocol.js'
import { openaiCompatible } from '../src/providers/local/openai-compatible.js'
import type { Provider } from '../src/providers/provider.js'
import { anthropic } from '../src/providers/vendors/anthropic.js'
import { gemini } from '../src/providers/vendors/gemini.js'
import { openai } from '../src/providers/vendors/openai.js'
import { Cleanup } from './cleanup.js'
import { type Harness, type Model, startHarness } from './hardcases/harness.js'
import { dig, type ProtocolName, protocolFixtures, protocolNames } from './hardcases/protocol-fixtures.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, { retry: { attempts: 1 } })
})
afterEach(() => cleanup.run())

const IDS: Readonly<Record<ProtocolName, ProtocolId>> = {
  chat: 'openai-chat',
  responses: 'openai-responses',
  messages: 'anthropic-messages',
  gemini: 'gemini',
}
const PROVIDERS: Readonly<Record<ProtocolName, Provider>> = {
  chat: openaiCompatible,
  responses: openai,
  messages: anthropic,
  gemini,
}

const MANY = 40_000
const many = <Item>(make: (at: number) => Item, count = MANY): Item[] =>
  Array.from({ length: count }, (_, at) => make(at))
const fields = (count = MANY): object => Object.fromEntries(many((at) => [`field${at}`, 1], count))
/** Models of each protocol. The last one accepts only the OpenAPI subset of schemas. */
const models: readonly Model[] = ['chat/m', 'responses/m', 'messages/claude-opus-4-5', 'gemini/gemini-3-pro']
const older: Model = 'gemini/gemini-1.5-pro'
const others = (from: ProtocolName): Model[] => models.filter((model) => !model.startsWith(from))

/** Processor time, since the machine may have more to do. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  return process.cpuUsage(before).user / 1000
}

const user = { role: 'user', content: 'x' }
const functionCall = (id: string, name = 'f'): object => ({ id, type: 'function', function: { name, arguments: '{}' } })
const backwards = (at: number): string => `c${MANY - 1 - at}`
const schema = (parameters: object): object => ({ tools: [{ type: 'function', function: { name: 'f', parameters } }] })
const text = (type: string) => (): object => ({ type, text: 'a' })

interface Long {
  readonly what: string
  readonly from: ProtocolName
  readonly asked: () => object
  /** Defaults to all other protocols. */
  readonly to?: readonly Model[]
}

const own = 'fields that only their protocol has'

/** Long requests. At quadratic cost, each would take minutes. */
const LONG: readonly Long[] = [
  { what: own, from: 'chat', asked: () => ({ messages: [{ ...user, ...fields() }] }) },
  { what: own, from: 'responses', asked: () => fields() },
  { what: own, from: 'messages', asked: () => fields() },
  { what: own, from: 'gemini', asked: () => ({ generationConfig: fields() }) },
  {
    what: 'blocks without an equivalent',
    from: 'responses',
    asked: () => ({ input: [...many(() => ({ type: 'mcp_call' })), user] }),
  },
  {
    what: 'results in reverse',
    from: 'chat',
    asked: () => ({
      messages: [
        user,
        { role: 'assistant', tool_calls: many((at) => functionCall(`c${at}`)) },
        ...many((at) => ({ role: 'tool', tool_call_id: backwards(at), content: 'r' })),
      ],
    }),
  },
  {
    what: 'results without ids',
    from: 'responses',
    asked: () => ({
      input: [
        ...many((at) => ({ type: 'function_call', call_id: `c${at}`, name: `f${at}`, arguments: '{}' })),
        ...many((at) => ({ type: 'function_call_output', name: `f${at}`, output: 'r' })),
      ],
    }),
  },
  {
    what: 'results without ids, in reverse',
    from: 'gemini',
    asked: () => ({
      contents: [
        { role: 'user', parts: [{ text: 'x' }] },
        { role: 'model', parts: many((at) => ({ functionCall: { name: `c${at}` } })) },
        { role: 'user', parts: many((at) => ({ functionResponse: { name: backwards(at), response: {} } })) },
      ],
    }),
  },
  {
    what: 'wrapped signatures of calls',
    from: 'responses',
    asked: () => ({
      input: [
        user,
        ...many((at) => ({ type: 'function_call', call_id: `c${at}`, name: 'f', arguments: '{}' })),
        ...many((at) => ({
          type: 'reasoning',
          summary: [],
          encrypted_content: wrapSignature({ protocol: 'gemini', value: 'v', id: `call:${backwards(at)}` }, 'issuer'),
        })),
      ],
    }),
  },
  {
    what: 'allowed tools',
    from: 'gemini',
    asked: () => ({
      tools: [{ functionDeclarations: many((at) => ({ name: `t${at}` })) }],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: many((at) => `t${at}`) } },
    }),
  },
  {
    what: 'alternatives of a schema',
    from: 'chat',
    asked: () => schema({ anyOf: many((at) => ({ properties: { [`p${at}`]: {} }, required: [`p${at}`] })) }),
    to: ['messages/m'],
  },
  {
    what: 'fields that all alternatives require',
    from: 'chat',
    asked: () => schema({ anyOf: [{ required: many(backwards) }, { required: many((at) => `c${at}`) }] }),
    to: ['messages/m'],
  },
  {
    what: 'parts of a schema',
    from: 'chat',
    asked: () => schema({ properties: { a: { allOf: many((at) => ({ properties: { [`p${at}`]: {} } })) } } }),
    to: ['gemini/m', older],
  },
]

/** Reads a request in one protocol and writes it in another, without a socket. */
function translate(from: ProtocolName, model: Model, asked: object): void {
  const [to = '', name = ''] = model.split('/')
  const body = Buffer.from(JSON.stringify({ ...protocolFixtures[from].requestBody('m', false), ...asked }))
  const path = { id: 'm', stream: false, query: '' }
  const reader = protocolOf(IDS[from])
  const writer = protocolOf(IDS[to as ProtocolName])
  const losses = new Losses(writer.id)
  const { request } = fitTools(reader.readRequest(body, path), writer.traits, losses)
  const dialect = PROVIDERS[to as ProtocolName].dialect?.(name) ?? {}
  writer.writeRequest(request, { model: name, stream: false, issuer: 'x', dialect, losses })
}

describe('the cost of a translation is linear', () => {
  it.each(LONG)('$what, from $from', ({ from, asked, to }) => {
    for (const model of to ?? others(from)) {
      expect(
        cpuMs(() => translate(from, model, asked())),
        model,
      ).toBeLessThan(2500)
    }
  })

  it('for more parts than a function call takes arguments', () => {
    const turn = { role: 'assistant', content: many(text('output_text'), 130_000) }
    translate('responses', 'chat/m', { input: [{ ...turn, content: 'x' }, turn, user] })
    const asking = { role: 'user', content: many(text('input_text'), 130_000) }
    translate('responses', 'messages/m', { input: [user, asking] })
  })

  it('for a very long file name', () => {
    const filename = `${'.aa?'.repeat(60_000)}\n!`
    const content = [
      { type: 'file', file: { file_data: 'eHg=', filename } },
      { type: 'text', text: 'x' },
    ]
    for (const model of ['responses/m', 'gemini/m'] as const) {
      expect(cpuMs(() => translate('chat', model, { messages: [{ role: 'user', content }] }))).toBeLessThan(2000)
    }
  })
})

describe('nesting', () => {
  const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`

  it.each(protocolNames)('of a hundred thousand levels is a 400 in %s', async (from) => {
    for (const model of models) {
      const body = `{"model":"${model}","max_tokens":5,"messages":${deep},"input":${deep},"contents":${deep}}`
      expect((await harness.ask(from, model, { body })).status).toBe(400)
    }
  })

  it('is checked before references to earlier responses', async () => {
    const body = `{"model":"chat/m","input":"x","background":false,"metadata":${deep}}`
    const { status, json } = await harness.ask('responses', 'chat/m', { body })
    expect([status, dig(json, 'error', 'message')]).toEqual([400, 'The body is nested too deeply.'])
  })

  it('through schema references is limited', async () => {
    const $defs = Object.fromEntries(
      many((at) => [`d${at}`, { type: 'object', properties: { x: { $ref: `#/$defs/d${at + 1}` } } }], 4900),
    )
    const { status } = await harness.ask('chat', older, { with: schema({ ...($defs.d0 as object), $defs }) })
    expect(status).toBe(200)
  })
})
