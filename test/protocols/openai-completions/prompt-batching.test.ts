import { describe, expect, it } from 'vitest'
import { promptBatching } from '../../../src/protocols/openai-completions/prompt-batching.js'

const usage = {
  prompt_tokens: 10,
  completion_tokens: 4,
  prompt_tokens_details: { cached_tokens: 2, audio_tokens: 3 },
  completion_tokens_details: { audio_tokens: 1 },
}
const summed = {
  prompt_tokens: 20,
  completion_tokens: 8,
  total_tokens: 28,
  prompt_tokens_details: { cached_tokens: 4, audio_tokens: 6 },
  completion_tokens_details: { audio_tokens: 2 },
}
const choices = [{ index: 0, text: 'a' }]

describe('the usage of several prompts', () => {
  it('is the sum of every part in a whole answer', () => {
    const answer = Buffer.from(JSON.stringify({ choices, usage }))
    expect(JSON.parse(promptBatching.merge([answer, answer]).toString())).toMatchObject({ usage: summed })
  })

  it('is missing where one answer reports none', () => {
    const answers = [{ choices, usage }, { choices }].map((answer) => Buffer.from(JSON.stringify(answer)))
    expect(JSON.parse(promptBatching.merge(answers).toString()).usage).toBeUndefined()
  })

  it('is the sum of every part in a stream', () => {
    const writer = promptBatching.createWriter()
    const record = { event: undefined, data: JSON.stringify({ choices: [], usage }) }
    for (const prompt of [0, 1]) writer.write(record, prompt)
    const [, data = ''] = /^data: (.*)$/m.exec(writer.end()) ?? []
    expect(JSON.parse(data)).toMatchObject({ usage: summed })
  })
})
