import type { Finish } from '../../../chat/answer.js'
import type { Block } from '../../../chat/blocks.js'
import type { ChatEvent } from '../../../chat/events.js'
import { SerialBlocks } from '../../../chat/serial-blocks.js'
import type { Usage } from '../../../chat/usage.js'
import type { RelayError } from '../../../errors.js'
import type { AnswerContext, StreamWriter } from '../../protocol.js'
import { writeFinish } from '../answer/finish-reason.js'
import { type TextCitation, writeGrounding } from '../answer/grounding.js'
import { writeUsage } from '../answer/usage.js'
import { envelope, writeCandidate } from '../answer/write-answer.js'
import { writePart } from '../answer/write-part.js'
import { errorRecord } from '../errors.js'
import { writeClientSignature } from '../signatures.js'

/** Writes fragments. Text goes out as it comes, a call when it is whole; how it ended and what was used stand in the last. */
export function writeStream(context: AnswerContext): StreamWriter {
  return new FragmentWriter(context)
}

/** The official SDK takes whatever stands first for the first answer: another's words must not stand there. */
const EMPTY_FIRST = writeCandidate([], { index: 0 })

/** One answer among several to the same question. */
interface Choice {
  readonly serial: SerialBlocks
  /** What stands before and after a text and a thought in a fragment. */
  readonly text: readonly [string, string]
  readonly thought: readonly [string, string]
  /** All text so far. */
  said: string
  readonly placed: TextCitation[]
  finish: Finish | undefined
  /** What is being said: a call's input, or where a text's block begins. */
  block: Block | undefined
  input: string
  offset: number
}

class FragmentWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #choices: (Choice | undefined)[] = []
  /** By the block's index. */
  readonly #choiceOf: Choice[] = []
  #fields: { modelVersion: string; responseId: string }
  #usage: Usage | undefined
  #out = ''

  constructor(context: AnswerContext) {
    this.#context = context
    this.#fields = { modelVersion: context.model, responseId: context.id }
  }

  write(event: ChatEvent): string {
    this.#out = ''
    if (event.type === 'start') {
      const { model, id } = event
      this.#fields = { modelVersion: model ?? this.#fields.modelVersion, responseId: id ?? this.#fields.responseId }
    } else if (event.type === 'usage') this.#usage = event.usage
    else if (event.type === 'finish') this.#choice(event.choice).finish = event.finish
    else if (event.type !== 'error') this.#push(event)
    return this.#out
  }

  end(): string {
    if (this.#choices.length === 0) this.#choice(0)
    const candidates: string[] = []
    for (const [index, choice] of this.#choices.entries()) {
      if (!choice) continue
      const finish = writeFinish(choice.finish ?? { reason: 'stop' })
      candidates.push(
        writeCandidate([], { ...finish, index, groundingMetadata: writeGrounding(choice.placed, choice.said) }),
      )
    }
    const usage = this.#usage ? { usageMetadata: writeUsage(this.#usage) } : {}
    return `data: ${envelope(`[${candidates.join(',')}]`, { ...usage, ...this.#fields })}\n\n`
  }

  fail(error: RelayError): string {
    return errorRecord(error)
  }

  #push(event: Extract<ChatEvent, { readonly index: number }>): void {
    if (event.type === 'block') this.#choiceOf[event.index] = this.#choice(event.choice)
    this.#choiceOf[event.index]?.serial.push(event)
  }

  #choice(index: number): Choice {
    const known = this.#choices[index]
    if (known) return known
    const tail = `],"role":"model"},"index":${index}}],${JSON.stringify(this.#fields).slice(1)}\n\n`
    const head = `data: {"candidates":[${index === 0 ? '' : `${EMPTY_FIRST},`}{"content":{"parts":[{"text":`
    const choice: Choice = {
      serial: new SerialBlocks((event) => this.#say(event, choice)),
      text: [head, `}${tail}`],
      thought: [head, `,"thought":true}${tail}`],
      said: '',
      placed: [],
      finish: undefined,
      block: undefined,
      input: '',
      offset: 0,
    }
    this.#choices[index] = choice
    return choice
  }

  /** An event of the one block that is open in its choice. */
  #say(event: ChatEvent, choice: Choice): void {
    if (event.type === 'delta') this.#grow(event.text, choice)
    else if (event.type === 'block') this.#open(event.block, choice)
    else if (event.type === 'stop') this.#stop(event.index, choice)
    else if (event.type === 'mark') mark(event, choice)
  }

  #open(block: Block, choice: Choice): void {
    choice.block = block
    choice.input = ''
    choice.offset = choice.said.length
    const citations = block.type === 'text' ? (block.citations ?? []) : []
    for (const citation of citations) choice.placed.push({ citation, offset: choice.offset })
    if ('text' in block && block.text !== '') this.#grow(block.text, choice)
    if (block.type === 'tool-call') choice.input = block.input
  }

  #grow(text: string, choice: Choice): void {
    const { block } = choice
    if (block?.type === 'tool-call') {
      choice.input += text
      return
    }
    const isThought = block?.type === 'reasoning'
    const [head, tail] = isThought ? choice.thought : choice.text
    if (!isThought) choice.said += text
    this.#out += head + JSON.stringify(text) + tail
  }

  #stop(index: number, choice: Choice): void {
    const { block, input } = choice
    choice.block = undefined
    if (!block) return
    if (block.type === 'text' || block.type === 'reasoning') {
      // What was signed has gone out already: its signature follows on a part of its own.
      if ('thoughtSignature' in writeClientSignature(block.signature, '')) this.#part({ ...block, text: '' }, choice)
      return
    }
    if (block.type === 'refusal') return
    const whole = block.type === 'tool-call' ? { ...block, input } : block
    if (!this.#part(whole, choice)) this.#context.losses.noEquivalent(`content[${index}]`)
  }

  #part(block: Block, choice: Choice): boolean {
    const part = writePart(block, this.#context)
    if (part === undefined) return false
    const index = this.#choices.indexOf(choice)
    const before = index === 0 ? '' : `${EMPTY_FIRST},`
    this.#out += `data: ${envelope(`[${before}${writeCandidate([part], { index })}]`, this.#fields)}\n\n`
    return true
  }
}

/** A signature is told when its block ends, a source at the very end. */
function mark({ signature, citation }: Extract<ChatEvent, { readonly type: 'mark' }>, choice: Choice): void {
  if (citation) choice.placed.push({ citation, offset: choice.offset })
  if (signature && choice.block) choice.block = { ...choice.block, signature } as Block
}
