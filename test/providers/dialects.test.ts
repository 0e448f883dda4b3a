import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { type Harness, type Model, startHarness } from '../hardcases/harness.js'
import { dig } from '../hardcases/protocol-fixtures.js'
import { allProvidersAt } from './all-providers-at.js'

const cleanup = new Cleanup()
let harness: Harness

beforeEach(async () => {
  harness = await startHarness(cleanup, {}, allProvidersAt)
})
afterEach(() => cleanup.run())

const losses = ({ headers }: { headers: Headers }): string => headers.get('x-modelmount-losses') ?? ''

describe('reasoning in the dialect of', () => {
  it.each<[Model, object | undefined, object, string?]>([
    ['xai/grok-3-mini', { reasoning_effort: 'medium' }, { reasoning_effort: 'low' }, 'no medium'],
    ['xai/grok-4.3', { reasoning_effort: 'none' }, { reasoning_effort: 'none' }],
    ['xai/grok-4.6', { reasoning_effort: 'none' }, { reasoning_effort: 'low' }, 'always reasons'],
    ['xai/grok-4-fast-reasoning', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['deepseek/deepseek-v4-pro', { reasoning_effort: 'none' }, { thinking: { type: 'disabled' } }],
    [
      'deepseek/deepseek-v4-pro',
      { reasoning_effort: 'xhigh' },
      { thinking: { type: 'enabled' }, reasoning_effort: 'high' },
      'no xhigh',
    ],
    ['qwen/qwen-plus', { reasoning_effort: 'none' }, { enable_thinking: false }],
    ['qwen/qwen3-235b-a22b', { reasoning_effort: 'low' }, { enable_thinking: true, thinking_budget: 2048 }],
    [
      'qwen/qwen3-next-80b-a3b-thinking',
      { reasoning_effort: 'none' },
      { enable_thinking: true, thinking_budget: 1024 },
      'always reasons',
    ],
    ['qwen/qwen3-coder-plus', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['moonshot/kimi-k2.5', { reasoning_effort: 'none' }, { thinking: { type: 'disabled' } }],
    ['moonshot/kimi-k2.6', { reasoning_effort: 'high' }, { thinking: { type: 'enabled' } }],
    ['moonshot/kimi-k2-thinking', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['moonshot/moonshot-v1-8k', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['zai/glm-4.7', { reasoning_effort: 'none' }, { thinking: { type: 'disabled' } }],
    ['zai/glm-5', { reasoning_effort: 'max' }, { thinking: { type: 'enabled' } }],
    ['zai/glm-5.2', { reasoning_effort: 'max' }, { thinking: { type: 'enabled' }, reasoning_effort: 'max' }],
    ['zai/glm-4-32b-0414-128k', { reasoning_effort: 'max' }, {}, 'not supported'],
    ['minimax/MiniMax-M2.7', { reasoning_effort: 'high' }, { reasoning_split: true }, 'not supported'],
    ['mistral/mistral-small-latest', { reasoning_effort: 'low' }, { reasoning_effort: 'high' }, 'no low'],
    ['mistral/magistral-medium-latest', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['groq/openai/gpt-oss-120b', { reasoning_effort: 'minimal' }, { reasoning_effort: 'low' }, 'no minimal'],
    ['groq/qwen/qwen3-32b', undefined, { reasoning_format: 'parsed' }],
    ['groq/llama-3.3-70b-versatile', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['cerebras/gpt-oss-120b', { reasoning_effort: 'max' }, { reasoning_effort: 'high' }, 'no max'],
    ['cerebras/zai-glm-4.7', { reasoning_effort: 'none' }, { reasoning_effort: 'none' }],
    ['cerebras/llama3.1-8b', { reasoning_effort: 'low' }, {}, 'not supported'],
    ['together/openai/gpt-oss-20b', { reasoning_effort: 'high' }, { reasoning_effort: 'high' }],
    ['together/meta-llama/Llama-3.3-70B', { reasoning_effort: 'high' }, {}, 'not supported'],
    ['fireworks/accounts/fireworks/models/glm-5p2', { reasoning_effort: 'none' }, { reasoning_effort: 'none' }],
    ['openrouter/anthropic/claude-opus-5', { reasoning_effort: 'high' }, { reasoning: { effort: 'high' } }],
    ['perplexity/sonar-deep-research', { reasoning_effort: 'low' }, { reasoning_effort: 'low' }],
    ['perplexity/sonar', { reasoning_effort: 'low' }, {}, 'not supported'],
    ['cohere/command-a-reasoning-08-2025', { reasoning_effort: 'low' }, { reasoning_effort: 'high' }, 'no low'],
    ['cohere/command-a-03-2025', { reasoning_effort: 'low' }, {}, 'not supported'],
    ['ollama/gpt-oss', { reasoning_effort: 'low' }, { reasoning_effort: 'low' }],
    ['vllm/gpt-oss', { reasoning_effort: 'low' }, { reasoning_effort: 'low' }],
    ['azure/gpt-5-mini', { reasoning_effort: 'low' }, { reasoning_effort: 'low' }],
    ['azure/gpt-4o', { reasoning_effort: 'low' }, {}, 'not supported'],
  ])('%s: writes %j as %j', async (model, asked, written, loss = '') => {
    // A request in Gemini's protocol is translated for every provider.
    const thinkingConfig = asked && thinkingOf(String(dig(asked, 'reasoning_effort')))
    const [body, response] = await harness.expectAccepted('gemini', model, { generationConfig: { thinkingConfig } })
    const fields = ['reasoning_effort', 'thinking', 'enable_thinking', 'thinking_budget', 'reasoning']
    const own = ['reasoning_format', 'reasoning_split']
    const found = [...fields, ...own].flatMap((name) =>
      dig(body, name) === undefined ? [] : [[name, dig(body, name)]],
    )
    expect(Object.fromEntries(found)).toEqual(written)
    if (loss === '') expect(losses(response)).toBe('')
    else expect(losses(response)).toContain(loss)
  })

  it('OpenRouter accepts a token budget, and can exclude reasoning from the answer', async () => {
    const asked = (thinkingConfig: object): object => ({ generationConfig: { thinkingConfig } })
    const [body] = await harness.expectAccepted('gemini', 'openrouter/v/m', asked({ thinkingBudget: 3000 }))
    expect(dig(body, 'reasoning')).toMatchObject({ max_tokens: 3000 })
    const [off] = await harness.expectAccepted('gemini', 'openrouter/v/m', asked({ thinkingBudget: 0 }))
    expect(dig(off, 'reasoning')).toMatchObject({ effort: 'none' })
    const [hidden] = await harness.expectAccepted('gemini', 'openrouter/v/m', asked({ includeThoughts: false }))
    expect(dig(hidden, 'reasoning')).toEqual({ exclude: true })
    const [counted] = await harness.expectAccepted('gemini', 'qwen/qwen-plus', asked({ thinkingBudget: 3000 }))
    expect(counted).toMatchObject({ enable_thinking: true, thinking_budget: 3000 })
  })
})

/** Gemini's thinkingConfig for an effort. Efforts without a level become tokens by the table of budgets. */
function thinkingOf(effort: string): object {
  const tokens: Record<string, number> = { none: 0, xhigh: 32_768, max: 65_536 }
  return tokens[effort] === undefined ? { thinkingLevel: effort.toUpperCase() } : { thinkingBudget: tokens[effort] }
}

describe('settings', () => {
  it.each<[Model, number, number, string]>([
    ['qwen/qwen-max', 2, 1.99, 'is 1.99'],
    ['moonshot/moonshot-v1-8k', 1.7, 1, 'is 1,'],
    ['zai/glm-4.7', 1.2, 1, 'is 1,'],
    ['minimax/MiniMax-M2.7', 0, 0.01, 'is 0.01'],
    ['mistral/mistral-large-latest', 2, 1.5, 'is 1.5'],
    ['cohere/command-r', 2, 1, 'is 1,'],
    ['perplexity/sonar', 2, 1.99, 'is 1.99'],
    ['cerebras/gpt-oss-120b', 2, 1.5, 'is 1.5'],
  ])('%s: writes a temperature of %d as %d', async (model, temperature, taken, loss) => {
    const [body, response] = await harness.expectAccepted('gemini', model, { generationConfig: { temperature } })
    expect(dig(body, 'temperature')).toBe(taken)
    expect(losses(response)).toContain(`generationConfig.temperature: ${loss}`)
    const [usual, silent] = await harness.expectAccepted('gemini', model, { generationConfig: { temperature: 0.5 } })
    expect([dig(usual, 'temperature'), losses(silent)]).toEqual([0.5, ''])
  })

  it.each<Model>(['moonshot/kimi-k2.5', 'azure/gpt-5-mini'])('HC-008: %s gets no sampling settings', async (model) => {
    const [body, response] = await harness.expectAccepted('gemini', model, { generationConfig: { temperature: 0.3 } })
    expect(body).not.toHaveProperty('temperature')
    expect(losses(response)).toContain('temperature: is not supported by this model')
    expect(losses((await harness.expectAccepted('gemini', model, { generationConfig: { temperature: 1 } }))[1])).toBe(
      '',
    )
  })

  it.each<[Model, string[]]>([
    ['xai/grok-4.6', ['frequencyPenalty', 'presencePenalty']],
    ['zai/glm-5.2', ['frequencyPenalty', 'presencePenalty', 'seed']],
    ['minimax/MiniMax-M2.7', ['frequencyPenalty', 'presencePenalty', 'seed']],
    ['cerebras/gpt-oss-120b', ['frequencyPenalty', 'presencePenalty']],
    ['deepseek/deepseek-v4-flash', ['seed']],
    ['perplexity/sonar', ['seed']],
  ])('%s does not accept %j', async (model, names) => {
    const given = { frequencyPenalty: 0.5, presencePenalty: 0.5, seed: 7 }
    const [body, response] = await harness.expectAccepted('gemini', model, { generationConfig: given })
    const spelled = { frequencyPenalty: 'frequency_penalty', presencePenalty: 'presence_penalty', seed: 'seed' }
    for (const [name, field] of Object.entries(spelled)) {
      expect([name, dig(body, field) === undefined]).toEqual([name, names.includes(name)])
      expect([name, losses(response).includes(name)]).toEqual([name, names.includes(name)])
    }
  })

  it('refuses several choices where the provider returns one', async () => {
    const { message } = await harness.expectRefused('gemini', 'groq/llama-3.3-70b-versatile', {
      generationConfig: { candidateCount: 2 },
    })
    expect(message).toContain('one answer at a time')
  })

  it.each<[Model, string, object]>([
    ['deepseek/m', 'max_tokens', {}],
    ['qwen/qwen-plus', 'max_tokens', {}],
    ['moonshot/kimi-k2.5', 'max_tokens', {}],
    ['zai/glm-5.2', 'max_tokens', {}],
    ['minimax/MiniMax-M2', 'max_tokens', {}],
    ['mistral/mistral-small', 'max_tokens', { random_seed: 7 }],
    ['cohere/command-a', 'max_tokens', { seed: 7 }],
    ['cerebras/gpt-oss-120b', 'max_completion_tokens', {}],
    ['together/m', 'max_tokens', {}],
    ['ollama/m', 'max_tokens', {}],
    ['vllm/m', 'max_tokens', {}],
    ['llama-cpp/m', 'max_tokens', {}],
    ['lm-studio/m', 'max_tokens', {}],
    ['xai/grok-4.6', 'max_completion_tokens', {}],
    ['azure/gpt-5', 'max_completion_tokens', {}],
  ])('%s gets the output cap as %s from clients of every protocol', async (model, name, more) => {
    const other = name === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
    const [translated] = await harness.expectAccepted('gemini', model, {
      generationConfig: { maxOutputTokens: 9, seed: 7 },
    })
    const [passed] = await harness.expectAccepted('chat', model, { max_completion_tokens: 9, seed: 7 })
    for (const body of [translated, passed]) {
      expect(dig(body, name)).toBe(9)
      expect(body).not.toHaveProperty(other)
    }
    expect(passed).toMatchObject(more)
    // HC-009: the relay adds no output cap where the provider requires none.
    const [none] = await harness.expectAccepted('gemini', model, {})
    expect(none).not.toHaveProperty(name)
  })

  it('applies unsupported stop sequences itself', async () => {
    const stop = { generationConfig: { stopSequences: ['ok', 'b'] } }
    const [grok, response] = await harness.expectAccepted('gemini', 'xai/grok-4.6', stop)
    expect(grok).not.toHaveProperty('stop')
    expect([dig(response.json, 'candidates', 0, 'finishReason'), losses(response)]).toEqual(['STOP', ''])
    expect(dig((await harness.expectAccepted('gemini', 'zai/glm-5.2', stop))[0], 'stop')).toEqual(['ok'])
    expect(dig((await harness.expectAccepted('gemini', 'mistral/m', stop))[0], 'stop')).toEqual(['ok', 'b'])
  })
})

describe('tools', () => {
  const tools = [{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: {} } }] }]
  const mode = (name: string, names?: string[]): object => ({
    tools,
    toolConfig: { functionCallingConfig: { mode: name, allowedFunctionNames: names } },
  })

  it.each<[Model, string, unknown, object, string]>([
    ['moonshot/kimi-k2-thinking', 'ANY', 'auto', {}, 'is auto'],
    ['zai/glm-5.2', 'ANY', 'auto', {}, 'is auto'],
    ['minimax/MiniMax-M2', 'ANY', 'auto', {}, 'is auto'],
    ['deepseek/deepseek-v4-flash', 'ANY', 'required', { thinking: { type: 'disabled' } }, ''],
    ['qwen/qwen-plus', 'ANY', 'required', { enable_thinking: false }, ''],
    ['mistral/mistral-large', 'ANY', 'required', {}, ''],
    ['deepseek/deepseek-v4-flash', 'AUTO', 'auto', {}, ''],
    ['zai/glm-5.2', 'NONE', undefined, {}, ''],
  ])('%s: writes tool choice %s as %s, %j', async (model, name, choice, more, loss) => {
    const [body, response] = await harness.expectAccepted('gemini', model, mode(name))
    expect(dig(body, 'tool_choice')).toBe(choice)
    expect(body).toMatchObject(more)
    if (Object.keys(more).length === 0) expect(body).not.toHaveProperty('thinking')
    if (loss) expect(losses(response)).toContain(loss)
    else expect(losses(response)).toBe('')
    expect(dig(body, 'tools') === undefined).toBe(choice === undefined)
  })

  it('a forced tool call disables reasoning, with a loss', async () => {
    const asked = { generationConfig: { thinkingConfig: { thinkingLevel: 'HIGH' } }, ...mode('ANY') }
    const [body, response] = await harness.expectAccepted('gemini', 'deepseek/deepseek-v4-pro', asked)
    expect(body).toMatchObject({ tool_choice: 'required', thinking: { type: 'disabled' } })
    expect(losses(response)).toContain('is off')
  })

  it('HC-026: drops a reasoning item without text for Groq, Mistral and vLLM', async () => {
    const input = [
      { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' },
      { role: 'user', content: 'continue' },
    ]
    for (const model of ['groq/llama', 'mistral/mistral-small'] as const) {
      const [body] = await harness.expectAccepted('responses', model, { input })
      expect(dig(body, 'messages')).toEqual([{ role: 'user', content: 'continue' }])
    }
  })
})

describe('a response format', () => {
  const schema = { type: 'object', properties: { a: { type: 'string' } } }
  const asked = { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema } }

  it.each<[Model, unknown]>([
    ['deepseek/deepseek-v4-flash', { type: 'json_object' }],
    ['zai/glm-5.2', { type: 'json_object' }],
    ['qwen/qwen-plus', { type: 'json_object' }],
    ['qwen/qwq-plus', undefined],
  ])('%s: writes an unsupported schema into the prompt', async (model, format) => {
    const [body, response] = await harness.expectAccepted('gemini', model, {
      ...asked,
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
    })
    expect(dig(body, 'response_format')).toEqual(format)
    expect(dig(body, 'messages')).toMatchObject([
      { role: 'system', content: 'Be brief.' },
      { role: 'system', content: expect.stringContaining(JSON.stringify(schema)) },
      { role: 'user' },
    ])
    expect(dig(body, 'messages', 1, 'content')).toMatch(/json/i)
    expect(losses(response)).toContain('becomes an instruction')
  })

  it.each<Model>(['mistral/mistral-large', 'groq/openai/gpt-oss-120b', 'perplexity/sonar', 'vllm/m', 'xai/grok-4.6'])(
    '%s accepts schemas',
    async (model) => {
      const [body, response] = await harness.expectAccepted('gemini', model, asked)
      expect(dig(body, 'response_format', 'json_schema', 'schema')).toEqual(schema)
      expect(losses(response)).toBe('')
    },
  )

  it('refuses JSON without a schema for Perplexity', async () => {
    const json = { generationConfig: { responseMimeType: 'application/json' } }
    const [body] = await harness.expectAccepted('gemini', 'perplexity/sonar', json)
    expect(body).not.toHaveProperty('response_format')
    expect(JSON.stringify(dig(body, 'messages'))).toContain('JSON object')
  })
})
