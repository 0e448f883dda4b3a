import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { ANSWER_SCHEMA, PNG } from './clients/sdk-client.js'
import { sdkClients } from './sdk-clients.js'
import { protocols, startSdkHarness } from './sdk-harness.js'
import { USAGE } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

describe.each(sdkClients)('$name', (client) => {
  describe.each(protocols)('with a model in $id', (protocol) => {
    test('reads text, finish reason and usage', async () => {
      const { scriptAnswers, origin, received } = await startSdkHarness(protocol, cleanup)
      scriptAnswers({ text: ['Grüß ', 'dich, ', '🦊!'] })
      expect(await client.openSession(origin, KEY).ask({ text: 'Sag was' })).toMatchObject({
        text: 'Grüß dich, 🦊!',
        reasoning: '',
        calls: [],
        finish: client.finishReasons.stop,
        usage: { input: USAGE.input, cached: USAGE.cached, output: USAGE.output },
      })
      expect(received()).toMatchObject([{ texts: ['Sag was'], tools: [], wantsReasoning: false, schema: undefined }])
    })

    test('reads reasoning and its tokens', async () => {
      const { scriptAnswers, origin, received } = await startSdkHarness(protocol, cleanup)
      scriptAnswers({ reasoning: 'They want an answer.', text: ['An ', 'answer'] })
      const { text, reasoning, usage } = await client.openSession(origin, KEY).ask({ text: 'Think', reason: true })
      expect({ text, usage }).toMatchObject({ text: 'An answer', usage: { reasoning: USAGE.reasoning } })
      expect(reasoning).toBe(client.showsReasoning ? 'They want an answer.' : '')
      expect(received()).toMatchObject([{ wantsReasoning: true }])
    })

    test('sends an image', async () => {
      const { scriptAnswers, origin, received } = await startSdkHarness(protocol, cleanup)
      scriptAnswers({ text: ['A pixel'] })
      expect(await client.openSession(origin, KEY).ask({ text: 'What is it?', image: PNG })).toMatchObject({
        text: 'A pixel',
      })
      expect(received()).toMatchObject([{ texts: ['What is it?'], images: [{ mime: 'image/png', data: PNG }] }])
    })

    test('requests an answer that follows a schema', async () => {
      const { scriptAnswers, origin, received } = await startSdkHarness(protocol, cleanup)
      scriptAnswers({ text: ['{"city":"Oslo",', '"people":700000}'] })
      const { text } = await client.openSession(origin, KEY).ask({ text: 'A city', hasSchema: true })
      expect(JSON.parse(text)).toEqual({ city: 'Oslo', people: 700_000 })
      expect(received()).toMatchObject([
        { schema: { properties: ANSWER_SCHEMA.properties, required: ANSWER_SCHEMA.required } },
      ])
    })
  })
})
