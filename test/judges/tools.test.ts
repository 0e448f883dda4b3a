import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup, KEY } from '../mounts.js'
import { judges } from './judges.js'
import type { Words } from './languages/language.js'
import { TOOLS } from './sdks/judge.js'
import { languages, type Stage, stage } from './upstreams.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const weather = { name: 'weather', input: { place: 'Oslo "N"\n' } }
const clock = { name: 'clock', input: { place: 'Rom' } }
const turn: Words = {
  calls: [
    { id: 'call_a1', ...weather },
    { id: 'call_b2', ...clock },
  ],
}
const thoughtful: Words = { ...turn, reasoning: 'Both are needed.' }
const results = ['rain, 3°', '12:30']
const exchanges = [
  { ...weather, result: results[0] },
  { ...clock, result: results[1] },
]

describe.each(judges)('$name', (judge) => {
  describe.each(languages)('of a model in $id', (language) => {
    const converse = async (words: Words, between: (stage: Stage) => void = () => undefined): Promise<Stage> => {
      const stood = await stage(language, cleanup)
      stood.says(words, { text: ['Rain ', 'at noon'] })
      const session = judge.open(stood.origin, KEY)
      const asked = { text: 'Weather and time?', tools: true, reason: words.reasoning !== undefined }
      const called = await session.ask(asked)
      expect(called).toMatchObject({ calls: [weather, clock], finish: judge.ends.calls })
      between(stood)
      expect(await session.tell(results)).toMatchObject({ text: 'Rain at noon', calls: [], finish: judge.ends.stop })
      return stood
    }

    test('calls two tools at once, and brings their results', async () => {
      const { heard } = await converse(turn)
      expect(heard()).toMatchObject([
        { tools: TOOLS, exchanges: [] },
        { tools: TOOLS, exchanges },
      ])
    })

    const hasThoughts = language.id === 'openai-responses' || language.id === 'anthropic-messages'
    const proven = {
      signatures: language.signature ? [language.signature] : [],
      thoughts: hasThoughts ? [thoughtful.reasoning] : [],
    }

    test('brings the reasoning before the calls back to its model', async () => {
      const { heard } = await converse(thoughtful)
      expect(heard()[1]).toMatchObject({ exchanges, ...proven })
    })

    test('goes on through a relay that remembers nothing', async () => {
      const { heard } = await converse(thoughtful, ({ restart }) => restart())
      expect(heard()[1]).toMatchObject({ exchanges, ...(judge.drops.includes(language.id) ? {} : proven) })
    })
  })
})
