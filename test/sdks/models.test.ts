import type { GoogleGenAI } from '@google/genai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { anthropicClient } from './clients/anthropic.js'
import { genaiClient } from './clients/genai.js'
import { openaiClient } from './clients/openai-chat.js'
import { startSdkHarness } from './sdk-harness.js'
import { openaiChat } from './upstreams/openai-chat.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const NAMES = ['a', 'b/with/slashes', 'claude-x', 'gemini-y', 'gpt-z']

const origin = async (): Promise<string> => (await startSdkHarness(openaiChat, cleanup, NAMES)).origin

/** All items of a list. @throws if it has more than 20 */
async function all<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of list) if (items.push(item) > 20) throw new Error('the list has no end')
  return items
}

test('openai lists all models, and retrieves each', async () => {
  const { models } = openaiClient(await origin(), KEY)
  expect((await all(await models.list())).map(({ id }) => id)).toEqual(NAMES)
  for (const id of NAMES) expect(await models.retrieve(id)).toMatchObject({ id, object: 'model', owned_by: 'up' })
  await expect(models.retrieve('none')).rejects.toMatchObject({ status: 404, code: 'model_not_found' })
})

test.each([{}, { limit: 1 }, { limit: 2 }])('anthropic lists all pages of models with %o', async (asked) => {
  const { models } = anthropicClient(await origin(), KEY)
  expect((await all(await models.list(asked))).map(({ id }) => id)).toEqual(NAMES)
})

test('anthropic retrieves each model', async () => {
  const { models } = anthropicClient(await origin(), KEY)
  for (const id of NAMES) expect(await models.retrieve(id)).toMatchObject({ id, type: 'model', display_name: id })
  await expect(models.retrieve('none')).rejects.toMatchObject({ status: 404, type: 'not_found_error' })
})

// Version 2 of the SDK asks at /v1beta by itself, version 3 at /v1.
describe.each(['v1beta', 'v1'])('genai at %s', (apiVersion) => {
  const modelsOf = async (): Promise<GoogleGenAI['models']> => genaiClient(await origin(), KEY, apiVersion).models

  test.each([{}, { pageSize: 1 }, { pageSize: 2 }])('lists all pages of models with %o', async (config) => {
    const listed = await all(await (await modelsOf()).list({ config }))
    expect(listed.map(({ name }) => name)).toEqual(NAMES.map((name) => `models/${name}`))
    expect(listed[0]?.supportedActions).toContain('generateContent')
  })

  test('retrieves each model', async () => {
    const models = await modelsOf()
    for (const model of NAMES)
      expect(await models.get({ model: `models/${model}` })).toMatchObject({ name: `models/${model}` })
    await expect(models.get({ model: 'none' })).rejects.toMatchObject({ status: 404 })
  })
})
