import type { Finish } from '../../chat/answer.js'
import type { ChatEvent } from '../../chat/events.js'
import type { Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import { writeUsage } from '../openai-chat/answer/usage.js'
import { errorRecord } from '../openai-chat/errors.js'
import type { AnswerContext, StreamWriter } from '../protocol.js'
import { answerId, hasText, writeCompletionFinish } from './write-answer.js'

const CHUNK_TAIL = ',"logprobs":null,"finish_reason":null}]}\n\n'

/** Writes a stream of chunks in the form of whole answers. */
export class CompletionWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #finishes: (Finish | undefined)[] = []
  /** The text before each delta, by index of the open block. */
  readonly #openBlocks = new Map<number, string>()
  #blocks = 0
  #head = ''
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#context = context
  }

  write(event: ChatEvent): string {
    if (event.type === 'delta') return this.#writeText(event.index, event.text)
    if (event.type === 'start') this.#start(event.model)
    else if (event.type === 'block') this.#beginBlock(event)
    else if (event.type === 'stop') this.#openBlocks.delete(event.index)
    else if (event.type === 'finish') this.#finishes[event.choice] = event.finish
    else if (event.type === 'usage') this.#usage = event.usage
    return ''
  }

  end(): string {
    this.#start(undefined)
    if (this.#finishes.length === 0) this.#finishes.push({ reason: 'stop' })
    let records = ''
    this.#finishes.forEach((finish = { reason: 'stop' }, index) => {
      const fields = `{"index":${index},"text":"","logprobs":null,"finish_reason":"${writeCompletionFinish(finish)}"}`
      records += `${this.#head}${fields}]}\n\n`
    })
    const { wantsUsage } = this.#context.request
    if (wantsUsage && this.#usage) records += `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
    return `${records}data: [DONE]\n\n`
  }

  fail(error: RelayError): string {
    return errorRecord(error)
  }

  #start(model: string | undefined): void {
    if (this.#head) return
    const { createdAt, model: requestedModel } = this.#context
    const fields = `"id":${JSON.stringify(answerId(this.#context))},"object":"text_completion","created":${createdAt}`
    this.#head = `data: {${fields},"model":${JSON.stringify(model ?? requestedModel)},"choices":[`
  }

  #beginBlock({ index, choice, block }: Extract<ChatEvent, { type: 'block' }>): void {
    this.#start(undefined)
    const position = this.#blocks++
    this.#finishes[choice] ??= { reason: 'stop' }
    if (hasText(block)) this.#openBlocks.set(index, `${this.#head}{"index":${choice},"text":`)
    else this.#context.losses.noEquivalent(`content[${position}]`)
  }

  #writeText(index: number, text: string): string {
    const head = this.#openBlocks.get(index)
    return head && text ? head + JSON.stringify(text) + CHUNK_TAIL : ''
  }
}
