import type { Finish } from '../../chat/answer.js'
import type { ChatEvent } from '../../chat/events.js'
import { SerialBlocks } from '../../chat/serial-blocks.js'
import type { Usage } from '../../chat/usage.js'
import type { RelayError } from '../../errors.js'
import type { AnswerContext, StreamWriter } from '../protocol.js'
import { spellRecord } from './errors.js'
import { finishOf } from './finish.js'
import type { ChoiceState, OpenBlock } from './open-block.js'
import { isLegacy } from './tools.js'
import { writeUsage } from './usage.js'
import { answerId } from './write-answer.js'
import { openBlock } from './write-block.js'

/** Writes a stream of chunks: id, date and model the same in all, the role first, the reason last. */
export class ChunkWriter implements StreamWriter {
  readonly #answering: AnswerContext
  readonly #legacy: boolean
  readonly #choices: (ChoiceState | undefined)[] = []
  readonly #open = new Map<number, OpenBlock>()
  /** Of each choice: what it says has no number here, so it is said one block after the other. Calls have theirs. */
  readonly #serials: (SerialBlocks | undefined)[] = []
  /** By the block's index. */
  readonly #serialOf = new Map<number, SerialBlocks>()
  #text = ''
  #head = ''
  #usage: Usage | undefined

  constructor(answering: AnswerContext) {
    this.#answering = answering
    this.#legacy = answering.request.tools.some(isLegacy)
  }

  write(event: ChatEvent): string {
    if (!('index' in event)) return this.#tell(event)
    const { type, index } = event
    if (type === 'block' && event.block.type !== 'tool-call') this.#serialOf.set(index, this.#serial(event.choice))
    const serial = this.#serialOf.get(index)
    if (!serial) return this.#tell(event)
    if (type === 'stop') this.#serialOf.delete(index)
    this.#text = ''
    serial.push(event)
    return this.#text
  }

  #serial(choice: number): SerialBlocks {
    const known = this.#serials[choice]
    if (known) return known
    const serial = new SerialBlocks((event) => {
      this.#text += this.#tell(event)
    })
    this.#serials[choice] = serial
    return serial
  }

  #tell(event: ChatEvent): string {
    if (event.type === 'delta') return this.#open.get(event.index)?.delta(event.text) ?? ''
    if (event.type === 'block') return this.#begin(event)
    if (event.type === 'stop') return this.#stop(event.index)
    if (event.type === 'mark') return this.#open.get(event.index)?.mark(event) ?? ''
    if (event.type === 'start') return this.#start(event.model)
    if (event.type === 'finish') return this.#finish(event.choice, event.finish)
    if (event.type === 'usage') this.#usage = event.usage
    return ''
  }

  end(): string {
    let records = this.#choices.length > 0 ? '' : this.#start(undefined)
    for (const choice of this.#choices) if (choice) records += this.#ending(choice)
    const { wantsUsage } = this.#answering.request
    if (wantsUsage && this.#usage) records += `${this.#head}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`
    return `${records}data: [DONE]\n\n`
  }

  fail(error: RelayError): string {
    return spellRecord(error)
  }

  #start(model: string | undefined): string {
    if (this.#head) return ''
    const { createdAt, model: asked } = this.#answering
    const fields = `"id":${JSON.stringify(answerId(this.#answering))},"object":"chat.completion.chunk","created":${createdAt}`
    this.#head = `data: {${fields},"model":${JSON.stringify(model ?? asked)},"choices":[`
    return this.#add(0)
  }

  #add(index: number): string {
    const state: ChoiceState = {
      head: `${this.#head}{"index":${index},"delta":{`,
      tail: '},"logprobs":null,"finish_reason":null}]}\n\n',
      legacy: this.#legacy,
      calls: 0,
      details: 0,
      text: '',
      thought: '',
      hasRefusal: false,
      finish: undefined,
    }
    this.#choices[index] = state
    return `${state.head}"role":"assistant","content":""${state.tail}`
  }

  /** Before a choice's first record stands the one with its role. */
  #enter(index: number): string {
    const started = this.#start(undefined)
    return this.#choices[index] ? started : started + this.#add(index)
  }

  #begin({ index, choice, block }: Extract<ChatEvent, { type: 'block' }>): string {
    const entered = this.#enter(choice)
    const state = this.#choices[choice]
    const open = state && openBlock(block, state, `content[${index}]`, this.#answering)
    if (!open) return entered
    this.#open.set(index, open)
    return entered + open.begin()
  }

  #stop(index: number): string {
    const block = this.#open.get(index)
    this.#open.delete(index)
    return block?.stop() ?? ''
  }

  #finish(index: number, finish: Finish): string {
    const entered = this.#enter(index)
    const choice = this.#choices[index]
    if (choice) choice.finish = finish
    return entered
  }

  #ending({ head, finish = { reason: 'stop' }, hasRefusal, legacy }: ChoiceState): string {
    const { reason, explanation } = finish
    const refusal = reason === 'refusal' && !hasRefusal && explanation ? `"refusal":${JSON.stringify(explanation)}` : ''
    const word = finishOf(finish, { hasRefusal, legacy })
    return `${head}${refusal}},"logprobs":null,"finish_reason":"${word}"}]}\n\n`
  }
}
