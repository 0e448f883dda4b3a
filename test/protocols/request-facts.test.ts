import { expect, it } from 'vitest'
import { protocolOf } from '../../src/protocols/index.js'
import type { ProtocolId } from '../../src/protocols/protocol.js'
import type { RequestFacts } from '../../src/protocols/request-facts.js'

const messages = [{ role: 'user', content: 'hi' }]
const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
const tool = { name: 'f' }

const BODIES: Readonly<Record<ProtocolId, object>> = {
  'openai-chat': { model: 'm', messages },
  'openai-completions': { model: 'm', prompt: 'hi' },
  'openai-responses': { model: 'm', input: 'hi' },
  'anthropic-messages': { model: 'm', messages },
  gemini: { contents },
}

const read = (id: ProtocolId, fields: object): RequestFacts =>
  protocolOf(id).readFacts(Buffer.from(JSON.stringify({ ...BODIES[id], ...fields })), {
    id: 'm',
    stream: false,
    query: '',
  })

const noFacts = { maxOutputTokens: undefined, choices: 1, temperature: undefined, usesTools: false }

it.each<[ProtocolId, object, Partial<RequestFacts>]>([
  ['openai-chat', {}, {}],
  ['openai-chat', { max_tokens: 7, n: 3, temperature: 0 }, { maxOutputTokens: 7, choices: 3, temperature: 0 }],
  ['openai-chat', { max_tokens: 7, max_completion_tokens: 5 }, { maxOutputTokens: 5 }],
  ['openai-chat', { max_tokens: 7, max_completion_tokens: null, n: null, tools: null }, { maxOutputTokens: 7 }],
  ['openai-chat', { max_tokens: -1, n: 0, tools: [], temperature: null }, {}],
  ['openai-chat', { tools: [tool] }, { usesTools: true }],
  ['openai-chat', { functions: [tool] }, { usesTools: true }],
  ['openai-chat', { web_search_options: {} }, { usesTools: true }],
  ['openai-completions', {}, {}],
  ['openai-completions', { max_tokens: 7, temperature: 1 }, { maxOutputTokens: 7, temperature: 1 }],
  ['openai-completions', { n: 2, best_of: 3, prompt: ['a', 'b'] }, { choices: 6 }],
  ['openai-completions', { n: 2, prompt: [[1, 2], [3], [4]] }, { choices: 6 }],
  ['openai-completions', { prompt: [1, 2, 3] }, { choices: 1 }],
  ['openai-completions', { prompt: [], n: 'many', max_tokens: '9' }, {}],
  ['openai-responses', {}, {}],
  ['openai-responses', { max_output_tokens: 7, temperature: 0.5 }, { maxOutputTokens: 7, temperature: 0.5 }],
  ['openai-responses', { tools: [{ type: 'web_search' }] }, { usesTools: true }],
  ['anthropic-messages', {}, {}],
  ['anthropic-messages', { max_tokens: 0, temperature: 1 }, { maxOutputTokens: 0, temperature: 1 }],
  ['anthropic-messages', { tools: [tool] }, { usesTools: true }],
  ['anthropic-messages', { mcp_servers: [{ type: 'url' }] }, { usesTools: true }],
  ['gemini', {}, {}],
  [
    'gemini',
    { generationConfig: { maxOutputTokens: 7, candidateCount: 2, temperature: 0 } },
    { maxOutputTokens: 7, choices: 2, temperature: 0 },
  ],
  ['gemini', { generation_config: { max_output_tokens: 7, candidate_count: 2 } }, { maxOutputTokens: 7, choices: 2 }],
  ['gemini', { tools: [{ googleSearch: {} }] }, { usesTools: true }],
  ['gemini', { generationConfig: [] }, {}],
])('%s: reads the facts of %j', (id, fields, facts) => {
  expect(read(id, fields)).toMatchObject({ ...noFacts, ...facts })
})

it('ignores numbers that are infinite or negative', () => {
  const body = Buffer.from('{"model":"m","prompt":"x","max_tokens":1e999,"temperature":-1e999,"n":-3}')
  expect(protocolOf('openai-completions').readFacts(body, { id: '', stream: undefined, query: '' })).toMatchObject(
    noFacts,
  )
})
