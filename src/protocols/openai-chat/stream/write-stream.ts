import type { Finish } from '../../../chat/answer.js'
import type { ChatEvent } from '../../../chat/events.js'
import { SerialBlocks } from '../../../chat/serial-blocks.js'
import type { Usage } from '../../../chat/usage.js'
import type { RelayError } from '../../../errors.js'
import type { AnswerContext, StreamWriter } from '../../protocol.js'
import { writeChoiceFinish } from '../answer/finish-reason.js'
import { writeUsage } from '../answer/usage.js'
import { answerId } from '../answer/write-answer.js'
import { errorRecord } from '../errors.js'
import { isLegacyFunction } from '../request/read-tools.js'
import type { BlockWriter, ChoiceState } from './block-writer.js'
import { createBlockWriter } from './write-block.js'

/** Writes a stream of chunks. All have the same id, date and model. The first has the role, the last the `finish_reason`. */
export class ChunkWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #usesFunctionCall: boolean
  readonly #choices: (ChoiceState | undefined)[] = []
  /** By index of the block. */
  readonly #blockWriters = new Map<number, BlockWriter>()
  /** By choice. Only tool calls have an index in chunks, so all other blocks are written one after another. */
  readonly #serials: (SerialBlocks | undefined)[] = []
  /** By index of the block. */
  readonly #serialByBlock = new Map<number, SerialBlocks>()
  #output = ''
  #head = ''
  #usage: Usage | undefined

  constructor(context: AnswerContext) {
    this.#context = context
    this.#usesFunctionCall = context.request.tools.some(isLegacyFunction)
  }

  write(event: ChatEvent): string {
    if (!('index' in event)) return this.#write(event)
    const { type, index } = event
    if (type === 'block' && event.block.type !== 'tool-call') this.#serialByBlock.set(index, this.#serial(event.choice))
    const serial = this.#serialByBlock.get(index)
    if (!serial) return this.#write(event)
    if (type === 'stop') this.#serialByBlock.delete(index)
    this.#output = ''
    serial.push(event)
    return this.#output
  }

  #serial(choice: number): SerialBlocks {
    const existing = this.#serials[choice]
    if (existing) return existing
    const serial = new SerialBlocks((event) => {
      this.#output += this.#write(event)
    })
    this.#serials[choice] = serial
    return serial
  }

  #write(event: ChatEvent): string {
    if (event.type === 'delta') return this.#blockWriters.get(event.index)?.delta(event.text) ?? ''
    if (event.type === 'block') return this.#beginBlock(event)
    if (event.type === 'stop') return this.#stopBlock(event.index)
    if (event.type === 'mark') return this.#blockWriters.get(event.index)?.mark(event) ?? ''
    if (event.type === 'start') return this.#start(event.model)
    if (event.type === 'finish') return this.#finish(event.choice, event.finish)
    if (event.type === 'usage') this.#usage = event.usage
    return ''
  }

  end(): string {
    let records = this.#choices.length > 0 ? '' : this.#start(undefined)
    for (const choice of this.#choices) if (choice) records += this.#endChoice(choice)
    const { wantsUsage } = this.#context.request
    if (wantsUsage && this.#usage) records += `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
    return `${records}data: [DONE]\n\n`
  }

  fail(error: RelayError): string {
    return errorRecord(error)
  }

  #start(model: string | undefined): string {
    if (this.#head) return ''
    const { createdAt, model: requestedModel } = this.#context
    const fields = `"id":${JSON.stringify(answerId(this.#context))},"object":"chat.completion.chunk","created":${createdAt}`
    this.#head = `data: {${fields},"model":${JSON.stringify(model ?? requestedModel)},"choices":[`
    return this.#addChoice(0)
  }

  #addChoice(index: number): string {
    const state: ChoiceState = {
      head: `${this.#head}{"index":${index},"delta":{`,
      tail: '},"logprobs":null,"finish_reason":null}]}\n\n',
      usesFunctionCall: this.#usesFunctionCall,
      calls: 0,
      details: 0,
      text: '',
      reasoning: '',
      hasRefusal: false,
      finish: undefined,
    }
    this.#choices[index] = state
    return `${state.head}"role":"assistant","content":""${state.tail}`
  }

  /** Writes the record with the role, unless the choice has one. */
  #startChoice(index: number): string {
    const started = this.#start(undefined)
    return this.#choices[index] ? started : started + this.#addChoice(index)
  }

  #beginBlock({ index, choice, block }: Extract<ChatEvent, { type: 'block' }>): string {
    const started = this.#startChoice(choice)
    const state = this.#choices[choice]
    const writer = state && createBlockWriter(block, state, `content[${index}]`, this.#context)
    if (!writer) return started
    this.#blockWriters.set(index, writer)
    return started + writer.begin()
  }

  #stopBlock(index: number): string {
    const writer = this.#blockWriters.get(index)
    this.#blockWriters.delete(index)
    return writer?.stop() ?? ''
  }

  #finish(index: number, finish: Finish): string {
    const started = this.#startChoice(index)
    const choice = this.#choices[index]
    if (choice) choice.finish = finish
    return started
  }

  #endChoice({ head, finish = { reason: 'stop' }, hasRefusal, usesFunctionCall }: ChoiceState): string {
    const { reason, explanation } = finish
    const refusal = reason === 'refusal' && !hasRefusal && explanation ? `"refusal":${JSON.stringify(explanation)}` : ''
    const finishReason = writeChoiceFinish(finish, { hasRefusal, usesFunctionCall })
    return `${head}${refusal}},"logprobs":null,"finish_reason":"${finishReason}"}]}\n\n`
  }
}
