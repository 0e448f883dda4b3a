import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { afterEach, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { answerJson, startUpstream } from '../scripted-upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const folder = process.env.MODELMOUNT_SDKS ?? join(import.meta.dirname, '../..')

function majorOf(sdk: string): string | undefined {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return /\d+/.exec({ ...dependencies, ...devDependencies }[sdk])?.[0]
}

// Otherwise a run of `test/nodes/run` would pass without the SDKs that it is for.
test('the SDKs have the versions of this run', async () => {
  const upstream = cleanup.add(await startUpstream(answerJson({ data: [], models: [] })))
  await new OpenAI({ baseURL: upstream.baseURL, apiKey: 'sk-any' }).models.list()
  await new GoogleGenAI({ apiKey: 'sk-any', httpOptions: { baseUrl: new URL(upstream.baseURL).origin } }).models.list()
  expect(upstream.seen.map(({ headers }) => headers['user-agent'])).toEqual([
    expect.stringMatching(`^OpenAI/JS ${majorOf('openai')}[.]`),
    expect.stringMatching(`^google-genai-sdk/${majorOf('@google/genai')}[.]`),
  ])
})
