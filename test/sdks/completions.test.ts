import type OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { openaiClient } from './clients/openai-chat.js'
import { answerWithError, failMidStream, protocols, startSdkHarness } from './sdk-harness.js'
import { USAGE } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const asked = { model: 'm', prompt: 'Once upon a', max_tokens: 100 }
const usage = {
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
}

describe.each(protocols)('legacy completions of a model in $id', (protocol) => {
  test('are returned whole', async () => {
    const { scriptAnswers, origin, received } = await startSdkHarness(protocol, cleanup)
    scriptAnswers({ text: [' time', ', there was'] })
    const completion = await openaiClient(origin, KEY).completions.create(asked)
    expect(completion).toMatchObject({ object: 'text_completion', model: protocol.model, usage })
    expect(completion.choices).toEqual([{ index: 0, text: ' time, there was', finish_reason: 'stop', logprobs: null }])
    expect(received()).toMatchObject([{ texts: ['Once upon a'] }])
  })

  test('are streamed', async () => {
    const { scriptAnswers, origin } = await startSdkHarness(protocol, cleanup)
    scriptAnswers({ text: [' time', ', there ', 'was'] })
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
    const finishReasons = chunks.flatMap(({ choices }) =>
      choices.map(({ finish_reason }) => finish_reason as string | null),
    )
    expect(finishReasons.filter(Boolean)).toEqual(['stop'])
    expect(chunks.at(-1)).toMatchObject({ object: 'text_completion', choices: [], usage })
    expect(new Set(chunks.map(({ id, object }) => id + object)).size).toBe(1)
  })

  test('throw the error of a 429', async () => {
    const { upstream, origin } = await startSdkHarness(protocol, cleanup)
    const { completions } = openaiClient(origin, KEY)
    upstream.script = answerWithError(protocol, 429, 'Slow down', { 'retry-after': '7' })
    await expect(completions.create(asked)).rejects.toMatchObject({ status: 429, type: 'rate_limit_error' })
  })

  test('throw for a stream that fails after output', async () => {
    const { upstream, origin } = await startSdkHarness(protocol, cleanup)
    const { completions } = openaiClient(origin, KEY)
    upstream.script = failMidStream(protocol, 'It broke')
    const texts: string[] = []
    const reading = (async () => {
      const stream = await completions.create({ ...asked, stream: true })
      for await (const { choices } of stream) texts.push(choices[0]?.text ?? '')
    })()
    await expect(reading).rejects.toMatchObject({ message: 'It broke', type: 'server_error' })
    expect(texts.join('')).toBe('Half of it')
  })
})
