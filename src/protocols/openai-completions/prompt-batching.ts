import { NO_USAGE, sumOf, type Usage } from '../../chat/usage.js'
import type { SseRecord } from '../../lib/sse.js'
import { isObject, parseJson } from '../../lib/values.js'
import { readUsage, writeUsage } from '../openai-chat/answer/usage.js'
import type { BatchWriter, PromptBatching } from '../prompt-batching.js'

type Fields = Readonly<Record<string, unknown>>

/** Splits a request with several prompts into one request per prompt, and numbers the choices over all answers. */
export const promptBatching: PromptBatching = {
  split(body) {
    const request = parseJson(body.toString())
    if (!isObject(request) || !Array.isArray(request.prompt) || request.prompt.length < 2) return []
    if (!request.prompt.every((prompt) => typeof prompt === 'string')) return []
    return request.prompt.map((prompt) => Buffer.from(JSON.stringify({ ...request, prompt })))
  },

  merge(answers) {
    const parsed = answers.map((answer) => parseJson(answer.toString()))
    const read = parsed.filter(isObject)
    const choices = read.map(readChoices)
    const choicesPerPrompt = Math.max(...choices.map(({ length }) => length))
    const numbered = choices.flatMap((list, prompt) =>
      list.map((choice) => renumber(choice, prompt * choicesPerPrompt)),
    )
    const usage = sumOf(parsed.map((answer) => (isObject(answer) ? readUsage(answer.usage) : undefined)))
    return Buffer.from(JSON.stringify({ ...read[0], choices: numbered, usage: usage && writeUsage(usage) }))
  },

  createWriter: () => new ChunkBatchWriter(),
}

/** Writes the chunks of several streams as one stream. */
class ChunkBatchWriter implements BatchWriter {
  /** Choices per prompt: the highest number of choices in the first stream. */
  #choicesPerPrompt = 1
  #head: Fields | undefined
  #usage: Usage | undefined

  write({ data }: SseRecord, prompt: number): string | undefined {
    if (data.trim() === '[DONE]') return ''
    const chunk = parseJson(data)
    if (!isObject(chunk) || chunk.error) return undefined
    this.#head ??= { id: chunk.id, object: chunk.object, created: chunk.created, model: chunk.model }
    const usage = readUsage(chunk.usage)
    if (usage) this.#usage = sumOf([this.#usage ?? NO_USAGE, usage])
    const choices = readChoices(chunk)
    if (choices.length === 0) return ''
    if (prompt === 0)
      this.#choicesPerPrompt = Math.max(this.#choicesPerPrompt, ...choices.map((choice) => Number(choice.index) + 1))
    const numbered = choices.map((choice) => renumber(choice, prompt * this.#choicesPerPrompt))
    return `data: ${JSON.stringify({ ...chunk, ...this.#head, choices: numbered, usage: undefined })}\n\n`
  }

  end(): string {
    const usage = this.#usage && { ...this.#head, choices: [], usage: writeUsage(this.#usage) }
    return `${usage ? `data: ${JSON.stringify(usage)}\n\n` : ''}data: [DONE]\n\n`
  }
}

function readChoices({ choices }: Fields): Record<string, unknown>[] {
  return Array.isArray(choices) ? choices.filter(isObject) : []
}

function renumber(choice: Fields, offset: number): object {
  return { ...choice, index: Number(choice.index ?? 0) + offset }
}
