import { describe, expect, it } from 'vitest'
import { Losses, recordCitations } from '../../src/chat/losses.js'
import type { ChatRequest } from '../../src/chat/request.js'
import { acceptedSampling, recordSettings } from '../../src/chat/settings.js'
import { gemini } from '../../src/protocols/gemini/index.js'

const requestWith = (fields: Partial<ChatRequest>): ChatRequest => ({
  stream: false,
  turns: [],
  tools: [],
  stop: [],
  ...fields,
})

describe('settings that a protocol does not have', () => {
  it('are losses with their name in the client’s protocol', () => {
    const losses = new Losses('x', gemini.settingNames)
    recordSettings(
      requestWith({ frequencyPenalty: 1, seed: 7, verbosity: 'low', topP: 0.5 }),
      new Set(['topP']),
      losses,
    )
    const paths = ['generationConfig.frequencyPenalty', 'generationConfig.seed', 'verbosity']
    expect(losses.list.map(({ path }) => path)).toEqual(paths)
  })

  it('are dropped without a loss if they have their default value', () => {
    const losses = new Losses('x')
    const format = { type: 'text' } as const
    const harmless = { frequencyPenalty: 0, choices: 1, modalities: ['text'], metadata: {}, format } as const
    recordSettings(requestWith({ ...harmless, serviceTier: 'auto', reasoning: { effort: 'none' } }), new Set(), losses)
    expect(losses.list).toEqual([])
  })

  it('are refused if the request depends on them, with the same name', () => {
    const losses = new Losses('x', gemini.settingNames)
    const declare = (): void => recordSettings(requestWith({ choices: 2 }), new Set(), losses)
    expect(declare).toThrowError(/^generationConfig\.candidateCount: /)
  })
})

describe('sampling', () => {
  it('keeps the one of temperature and top_p that differs from its default', () => {
    const losses = new Losses('x')
    expect(acceptedSampling(requestWith({ temperature: 1, topP: 0.5 }), { sampling: 'one' }, losses)).toMatchObject({
      topP: 0.5,
    })
    expect(losses.list).toEqual([])
    expect(acceptedSampling(requestWith({ temperature: 0, topP: 0.5 }), { sampling: 'one' }, losses)).toMatchObject({
      temperature: 0,
      topP: undefined,
    })
    expect(losses.list.map(({ path }) => path)).toEqual(['topP'])
  })
})

it('records a citation without a URL as a loss', () => {
  const losses = new Losses('x')
  const cited = (at: string, url?: string) => ({ type: 'text', text: 'a', at, citations: [{ url }] }) as const
  const turns = [{ role: 'assistant', blocks: [cited('one', 'https://x'), cited('two')] }] as const
  recordCitations(turns, ({ url }) => url !== undefined, losses)
  expect(losses.list.map(({ path }) => path)).toEqual(['two'])
})
