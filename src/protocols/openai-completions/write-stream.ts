import type { Finish } from '../../chat/answer.js'
import type { ChatEvent } from '../../chat/events.js'
import type { Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import { spellRecord } from '../openai-chat/errors.js'
import { writeUsage } from '../openai-chat/usage.js'
import type { AnswerContext, StreamWriter } from '../protocol.js'
import { answerId, finishOf, isSayable } from './write-answer.js'

const TAIL = ',"logprobs":null,"finish_reason":null}]}\n\n'

/** Writes a stream of completions: chunks that look like the whole answer. */
export class CompletionWriter implements StreamWriter {
  readonly #answering: AnswerContext
  readonly #finishes: (Finish | undefined)[] = []
  /** What stands before the text of each open block. */
  readonly #open = new Map<number, string>()
  #blocks = 0
  #head = ''
  #usage: Usage | undefined

  constructor(answering: AnswerContext) {
    this.#answering = answering
  }

  write(event: ChatEvent): string {
    if (event.type === 'delta') return this.#say(event.index, event.text)
    if (event.type === 'start') this.#start(event.model)
    else if (event.type === 'block') this.#begin(event)
    else if (event.type === 'stop') this.#open.delete(event.index)
    else if (event.type === 'finish') this.#finishes[event.choice] = event.finish
    else if (event.type === 'usage') this.#usage = event.usage
    return ''
  }

  end(): string {
    this.#start(undefined)
    if (this.#finishes.length === 0) this.#finishes.push({ reason: 'stop' })
    let records = ''
    this.#finishes.forEach((finish = { reason: 'stop' }, index) => {
      const fields = `{"index":${index},"text":"","logprobs":null,"finish_reason":"${finishOf(finish)}"}`
      records += `${this.#head}${fields}]}\n\n`
    })
    const { wantsUsage } = this.#answering.request
    if (wantsUsage && this.#usage) records += `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
    return `${records}data: [DONE]\n\n`
  }

  fail(error: RelayError): string {
    return spellRecord(error)
  }

  #start(model: string | undefined): void {
    if (this.#head) return
    const { createdAt, model: asked } = this.#answering
    const fields = `"id":${JSON.stringify(answerId(this.#answering))},"object":"text_completion","created":${createdAt}`
    this.#head = `data: {${fields},"model":${JSON.stringify(model ?? asked)},"choices":[`
  }

  #begin({ index, choice, block }: Extract<ChatEvent, { type: 'block' }>): void {
    this.#start(undefined)
    const at = this.#blocks++
    this.#finishes[choice] ??= { reason: 'stop' }
    if (isSayable(block)) this.#open.set(index, `${this.#head}{"index":${choice},"text":`)
    else this.#answering.losses.noEquivalent(`content[${at}]`)
  }

  #say(index: number, text: string): string {
    const head = this.#open.get(index)
    return head && text ? head + JSON.stringify(text) + TAIL : ''
  }
}
