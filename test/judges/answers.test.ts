import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup, KEY } from '../mounts.js'
import { judges } from './judges.js'
import { USAGE } from './languages/language.js'
import { PNG, SCHEMA } from './sdks/judge.js'
import { languages, stage } from './upstreams.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

describe.each(judges)('$name', (judge) => {
  describe.each(languages)('of a model in $id', (language) => {
    test('reads text, its end and its cost', async () => {
      const { says, origin, heard } = await stage(language, cleanup)
      says({ text: ['Grüß ', 'dich, ', '🦊!'] })
      expect(await judge.open(origin, KEY).ask({ text: 'Sag was' })).toMatchObject({
        text: 'Grüß dich, 🦊!',
        reasoning: '',
        calls: [],
        finish: judge.ends.stop,
        usage: { input: USAGE.input, cached: USAGE.cached, output: USAGE.output },
      })
      expect(heard()).toMatchObject([{ texts: ['Sag was'], tools: [], reasons: false, schema: undefined }])
    })

    test('reads what the model thought, and how long', async () => {
      const { says, origin, heard } = await stage(language, cleanup)
      says({ reasoning: 'They want an answer.', text: ['An ', 'answer'] })
      const { text, reasoning, usage } = await judge.open(origin, KEY).ask({ text: 'Think', reason: true })
      expect({ text, usage }).toMatchObject({ text: 'An answer', usage: { reasoning: USAGE.reasoning } })
      expect(reasoning).toBe(judge.shows ? 'They want an answer.' : '')
      expect(heard()).toMatchObject([{ reasons: true }])
    })

    test('has its image seen', async () => {
      const { says, origin, heard } = await stage(language, cleanup)
      says({ text: ['A pixel'] })
      expect(await judge.open(origin, KEY).ask({ text: 'What is it?', image: PNG })).toMatchObject({ text: 'A pixel' })
      expect(heard()).toMatchObject([{ texts: ['What is it?'], images: [{ mime: 'image/png', data: PNG }] }])
    })

    test('has its schema followed', async () => {
      const { says, origin, heard } = await stage(language, cleanup)
      says({ text: ['{"city":"Oslo",', '"people":700000}'] })
      const { text } = await judge.open(origin, KEY).ask({ text: 'A city', shaped: true })
      expect(JSON.parse(text)).toEqual({ city: 'Oslo', people: 700_000 })
      expect(heard()).toMatchObject([{ schema: { properties: SCHEMA.properties, required: SCHEMA.required } }])
    })
  })
})
