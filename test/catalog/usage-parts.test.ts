import { describe, expect, it } from 'vitest'
import { Catalogue } from '../../src/catalog/catalogue.js'
import type { Usage } from '../../src/chat/usage.js'
import * as anthropic from '../../src/protocols/anthropic-messages/answer/usage.js'
import * as gemini from '../../src/protocols/gemini/answer/usage.js'
import * as chat from '../../src/protocols/openai-chat/answer/usage.js'
import * as responses from '../../src/protocols/openai-responses/answer/usage.js'

const catalogue = new Catalogue()
await catalogue.load()

/** In dollars. */
function cost(provider: string, model: string, usage: Usage | undefined): number {
  return ((usage && catalogue.find(provider, model)?.pricing?.(usage)) ?? Number.NaN) / 1e9
}

describe('a part of the usage with its own price', () => {
  it('may be cache writes for an hour, even if a stream reports them only at its start', () => {
    const start = {
      input_tokens: 4,
      cache_creation_input_tokens: 1000,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 800 },
      cache_read_input_tokens: 0,
      output_tokens: 1,
    }
    const usage = anthropic.readUsage({ output_tokens: 10, input_tokens: null }, anthropic.readUsage(start))
    expect(usage).toEqual({
      input: 1004,
      cachedInput: 0,
      cacheWriteInput: 1000,
      cacheWriteLongInput: 800,
      output: 10,
      reasoning: 0,
    })
    expect(cost('anthropic', 'claude-haiku-4-5', usage)).toBeCloseTo((4 + 200 * 1.25 + 800 * 2 + 10 * 5) / 1e6, 12)
    expect(anthropic.writeUsage(usage)).toMatchObject({ cache_creation: start.cache_creation })
    expect(anthropic.readUsage(anthropic.writeUsage(usage))).toEqual(usage)
  })

  it('may be web searches', () => {
    const start = {
      input_tokens: 0,
      output_tokens: 0,
      server_tool_use: { web_search_requests: 3, web_fetch_requests: 1 },
    }
    const usage = anthropic.readUsage({ output_tokens: 0 }, anthropic.readUsage(start))
    expect(usage?.webSearches).toBe(3)
    expect(cost('anthropic', 'claude-haiku-4-5', usage)).toBeCloseTo(0.03, 12)
    expect(anthropic.readUsage(anthropic.writeDeltaUsage(usage))).toEqual(usage)
  })

  it('may be audio input and output', () => {
    const usage = chat.readUsage({
      prompt_tokens: 1000,
      completion_tokens: 500,
      total_tokens: 1500,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 900 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 400 },
    })
    expect(usage).toMatchObject({ audioInput: 900, audioOutput: 400 })
    expect(cost('openai', 'gpt-audio', usage)).toBeCloseTo((100 * 2.5 + 900 * 32 + 100 * 10 + 400 * 64) / 1e6, 12)
    expect(usage && chat.readUsage(chat.writeUsage(usage))).toEqual(usage)
  })

  it('may be cached audio or images, by modality', () => {
    const native = {
      promptTokenCount: 1000,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 100 },
        { modality: 'AUDIO', tokenCount: 900 },
      ],
      cachedContentTokenCount: 600,
      cacheTokensDetails: [{ modality: 'AUDIO', tokenCount: 600 }],
      candidatesTokenCount: 10,
      totalTokenCount: 1010,
    }
    const usage = gemini.readUsage(native)
    expect(usage).toMatchObject({ audioInput: 900, cachedAudioInput: 600 })
    expect(cost('google', 'gemini-2.5-flash', usage)).toBeCloseTo((100 * 0.3 + 300 + 600 * 0.1 + 10 * 2.5) / 1e6, 12)
    expect(usage && gemini.readUsage(gemini.writeUsage(usage))).toEqual(usage)

    const imageUsage = gemini.readUsage({
      promptTokenCount: 10,
      candidatesTokenCount: 1300,
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
    })
    expect(cost('google', 'gemini-2.5-flash-image', imageUsage)).toBeCloseTo(
      (10 * 0.3 + 10 * 2.5 + 1290 * 30) / 1e6,
      12,
    )
    expect(imageUsage && gemini.readUsage(gemini.writeUsage(imageUsage))).toEqual(imageUsage)
  })

  it('is translated into another protocol that has a field for it', () => {
    const usage = gemini.readUsage({
      promptTokenCount: 50,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 40 }],
      candidatesTokenCount: 5,
      candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 4 }],
    }) as Usage
    expect(chat.writeUsage(usage)).toMatchObject({
      prompt_tokens_details: { audio_tokens: 40 },
      completion_tokens_details: { audio_tokens: 4 },
    })
    expect(responses.readUsage(responses.writeUsage(usage))).toMatchObject({ input: 50, output: 5 })
  })

  it('is left out if it is missing or not a number', () => {
    const plain = { input: 1, cachedInput: 0, cacheWriteInput: 0, output: 1, reasoning: 0 }
    const withoutCount = {
      promptTokenCount: 1,
      candidatesTokenCount: 1,
      promptTokensDetails: [null, { modality: 'AUDIO' }],
    }
    expect(Object.keys(gemini.readUsage(withoutCount) ?? {})).toEqual(Object.keys(plain))
    const withText = { prompt_tokens: 1, completion_tokens: 1, prompt_tokens_details: { audio_tokens: '9' } }
    expect(Object.keys(chat.readUsage(withText) ?? {})).toEqual(Object.keys(plain))
    const withoutDetails = { input_tokens: 1, output_tokens: 1, cache_creation: null, server_tool_use: 'no' }
    expect(Object.keys(anthropic.readUsage(withoutDetails) ?? {})).toEqual(Object.keys(plain))
  })
})
