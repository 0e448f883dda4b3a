import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { TOOLS } from './clients/sdk-client.js'
import { sdkClients } from './sdk-clients.js'
import { protocols, type SdkHarness, startSdkHarness } from './sdk-harness.js'
import type { AnswerContent } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const weather = { name: 'weather', input: { place: 'Oslo "N"\n' } }
const clock = { name: 'clock', input: { place: 'Rom' } }
const turn: AnswerContent = {
  calls: [
    { id: 'call_a1', ...weather },
    { id: 'call_b2', ...clock },
  ],
}
const turnWithReasoning: AnswerContent = { ...turn, reasoning: 'Both are needed.' }
const results = ['rain, 3°', '12:30']
const exchanges = [
  { ...weather, result: results[0] },
  { ...clock, result: results[1] },
]

describe.each(sdkClients)('$name', (client) => {
  describe.each(protocols)('with a model in $id', (protocol) => {
    const converse = async (
      words: AnswerContent,
      between: (startSdkHarness: SdkHarness) => void = () => undefined,
    ): Promise<SdkHarness> => {
      const harness = await startSdkHarness(protocol, cleanup)
      harness.scriptAnswers(words, { text: ['Rain ', 'at noon'] })
      const session = client.openSession(harness.origin, KEY)
      const question = { text: 'Weather and time?', tools: true, reason: words.reasoning !== undefined }
      const called = await session.ask(question)
      expect(called).toMatchObject({ calls: [weather, clock], finish: client.finishReasons.calls })
      between(harness)
      expect(await session.sendResults(results)).toMatchObject({
        text: 'Rain at noon',
        calls: [],
        finish: client.finishReasons.stop,
      })
      return harness
    }

    test('reads two parallel calls, and sends their results', async () => {
      const { received } = await converse(turn)
      expect(received()).toMatchObject([
        { tools: TOOLS, exchanges: [] },
        { tools: TOOLS, exchanges },
      ])
    })

    const hasThoughts = protocol.id === 'openai-responses' || protocol.id === 'anthropic-messages'
    const proven = {
      signatures: protocol.signature ? [protocol.signature] : [],
      thoughts: hasThoughts ? [turnWithReasoning.reasoning] : [],
    }

    test('sends the reasoning before the calls back to its model', async () => {
      const { received } = await converse(turnWithReasoning)
      expect(received()[1]).toMatchObject({ exchanges, ...proven })
    })

    test('continues after a restart of the relay', async () => {
      const { received } = await converse(turnWithReasoning, ({ restart }) => restart())
      expect(received()[1]).toMatchObject({
        exchanges,
        ...(client.dropsSignaturesOf.includes(protocol.id) ? {} : proven),
      })
    })
  })
})
