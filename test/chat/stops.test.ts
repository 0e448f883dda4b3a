import { describe, expect, it } from 'vitest'
import type { ChatAnswer } from '../../src/chat/answer.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatEvent } from '../../src/chat/events.js'
import { cutAtStop, StopCutter } from '../../src/chat/stops.js'

const answerText = 'one\n\nUser: two\n\nUse three END four'

function streamed(pieces: readonly string[], stops: readonly string[]): ChatAnswer & { isCut: boolean } {
  const fold = new AnswerCollector()
  const cutter = new StopCutter(stops, (event: ChatEvent) => fold.push(event))
  cutter.push({ type: 'block', index: 0, choice: 0, block: { type: 'text', text: '' } })
  for (const text of pieces) cutter.push({ type: 'delta', index: 0, text })
  cutter.push({ type: 'stop', index: 0 })
  cutter.push({ type: 'finish', choice: 0, finish: { reason: 'length' } })
  return { ...fold.answer, isCut: cutter.isCut }
}

describe('HC-034: stop sequences that the upstream does not support', () => {
  it.each([
    [['\n\nUser:'], 'one', '\n\nUser:'],
    [['END', '\n\nUse '], 'one\n\nUser: two', '\n\nUse '],
    [['o'], '', 'o'],
  ])('%j end the text before a match, wherever the stream is split', (stops, text, sequence) => {
    for (let cut = 0; cut <= answerText.length; cut++) {
      const { choices, isCut } = streamed([answerText.slice(0, cut), answerText.slice(cut)], stops)
      expect(isCut).toBe(true)
      expect(choices[0]).toMatchObject({ blocks: [{ text }], finish: { reason: 'stop', sequence } })
    }
    expect(streamed([...answerText], stops).choices[0]).toMatchObject({ blocks: [{ text }] })
  })

  it('change nothing where none matches', () => {
    const { choices, isCut } = streamed([...answerText, '\n\nUs'], ['\n\nUsed', 'nowhere'])
    expect(isCut).toBe(false)
    expect(choices[0]).toMatchObject({ blocks: [{ text: `${answerText}\n\nUs` }], finish: { reason: 'length' } })
  })

  it('apply to text only, and drop everything after a match', () => {
    const answer: ChatAnswer = {
      choices: [
        {
          blocks: [
            { type: 'reasoning', text: 'END of thought' },
            { type: 'text', text: 'a END b' },
            { type: 'tool-call', id: 'c', name: 'f', input: '{}' },
          ],
          finish: { reason: 'tool-calls' },
        },
      ],
      usage: { input: 1, output: 2, cachedInput: 0, cacheWriteInput: 0, reasoning: 0 },
    }
    const { choices, usage } = cutAtStop(answer, ['END'])
    expect(choices[0]?.blocks).toMatchObject([{ text: 'END of thought' }, { text: 'a ' }])
    expect(choices[0]?.finish).toEqual({ reason: 'stop', sequence: 'END' })
    expect(usage).toEqual(answer.usage)
    expect(cutAtStop(answer, ['nowhere'])).toBe(answer)
  })
})
