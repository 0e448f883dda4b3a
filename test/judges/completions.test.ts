import type OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup, KEY } from '../mounts.js'
import { USAGE } from './languages/language.js'
import { openaiClient } from './sdks/openai-chat.js'
import { failsMidway, languages, refuses, stage } from './upstreams.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const asked = { model: 'm', prompt: 'Once upon a', max_tokens: 100 }
const usage = {
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
}

describe.each(languages)('completions of a model in $id', (language) => {
  test('come whole', async () => {
    const { says, origin, heard } = await stage(language, cleanup)
    says({ text: [' time', ', there was'] })
    const completion = await openaiClient(origin, KEY).completions.create(asked)
    expect(completion).toMatchObject({ object: 'text_completion', model: language.model, usage })
    expect(completion.choices).toEqual([{ index: 0, text: ' time, there was', finish_reason: 'stop', logprobs: null }])
    expect(heard()).toMatchObject([{ texts: ['Once upon a'] }])
  })

  test('come streamed', async () => {
    const { says, origin } = await stage(language, cleanup)
    says({ text: [' time', ', there ', 'was'] })
    const stream = await openaiClient(origin, KEY).completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.Completion[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks.flatMap(({ choices }) => choices.map(({ text }) => text)).filter(Boolean)).toEqual([
      ' time',
      ', there ',
      'was',
    ])
    const ends = chunks.flatMap(({ choices }) => choices.map(({ finish_reason }) => finish_reason as string | null))
    expect(ends.filter(Boolean)).toEqual(['stop'])
    expect(chunks.at(-1)).toMatchObject({ object: 'text_completion', choices: [], usage })
    expect(new Set(chunks.map(({ id, object }) => id + object)).size).toBe(1)
  })

  test('fail as errors of their own kind', async () => {
    const { upstream, origin } = await stage(language, cleanup)
    const { completions } = openaiClient(origin, KEY)
    upstream.script = refuses(language, 429, 'Slow down', { 'retry-after': '7' })
    await expect(completions.create(asked)).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' })
  })

  test('tell of a stream that fails midway', async () => {
    const { upstream, origin } = await stage(language, cleanup)
    const { completions } = openaiClient(origin, KEY)
    upstream.script = failsMidway(language, 'It broke')
    const texts: string[] = []
    const reading = (async () => {
      const stream = await completions.create({ ...asked, stream: true })
      for await (const { choices } of stream) texts.push(choices[0]?.text ?? '')
    })()
    await expect(reading).rejects.toMatchObject({ message: 'It broke', type: 'server_error' })
    expect(texts.join('')).toBe('Half of it')
  })
})
