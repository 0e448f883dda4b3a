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
import { writeCandidate, writeResponse } from '../answer/write-answer.js'
import { writePart } from '../answer/write-part.js'
import { errorRecord } from '../errors.js'
import { writeClientSignature } from '../signatures.js'

/**
 * Writes an answer as fragments: text at once, a call when it is whole. The last fragment has finish reasons and usage.
 */
export function writeStream(context: AnswerContext): StreamWriter {
  return new FragmentWriter(context)
}

/** Precedes the parts of other candidates, because the official SDK reads the first in a list as candidate 0. */
const EMPTY_CANDIDATE = writeCandidate([], { index: 0 })

/** The state of one candidate. */
interface Choice {
  readonly serial: SerialBlocks
  /** The JSON before and after a text in a fragment. */
  readonly textFrame: readonly [string, string]
  readonly thoughtFrame: readonly [string, string]
  /** All text so far, without thoughts. */
  text: string
  readonly citations: TextCitation[]
  finish: Finish | undefined
  /** The open block. */
  block: Block | undefined
  /** The input so far of an open tool call. */
  input: string
  /** The start of the open block in `text`. */
  offset: number
}

class FragmentWriter implements StreamWriter {
  readonly #context: AnswerContext
  readonly #choices: (Choice | undefined)[] = []
  /** Choices by the indices of their blocks. */
  readonly #choiceByBlock: Choice[] = []
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
    else if (event.type === 'finish') this.#getChoice(event.choice).finish = event.finish
    else if (event.type !== 'error') this.#push(event)
    return this.#out
  }

  end(): string {
    if (this.#choices.length === 0) this.#getChoice(0)
    const candidates: string[] = []
    for (const [index, choice] of this.#choices.entries()) {
      if (!choice) continue
      const finish = writeFinish(choice.finish ?? { reason: 'stop' })
      candidates.push(
        writeCandidate([], { ...finish, index, groundingMetadata: writeGrounding(choice.citations, choice.text) }),
      )
    }
    const usage = this.#usage ? { usageMetadata: writeUsage(this.#usage) } : {}
    return `data: ${writeResponse(`[${candidates.join(',')}]`, { ...usage, ...this.#fields })}\n\n`
  }

  fail(error: RelayError): string {
    return errorRecord(error)
  }

  #push(event: Extract<ChatEvent, { readonly index: number }>): void {
    if (event.type === 'block') this.#choiceByBlock[event.index] = this.#getChoice(event.choice)
    this.#choiceByBlock[event.index]?.serial.push(event)
  }

  #getChoice(index: number): Choice {
    const known = this.#choices[index]
    if (known) return known
    const tail = `],"role":"model"},"index":${index}}],${JSON.stringify(this.#fields).slice(1)}\n\n`
    const head = `data: {"candidates":[${index === 0 ? '' : `${EMPTY_CANDIDATE},`}{"content":{"parts":[{"text":`
    const choice: Choice = {
      serial: new SerialBlocks((event) => this.#writeEvent(event, choice)),
      textFrame: [head, `}${tail}`],
      thoughtFrame: [head, `,"thought":true}${tail}`],
      text: '',
      citations: [],
      finish: undefined,
      block: undefined,
      input: '',
      offset: 0,
    }
    this.#choices[index] = choice
    return choice
  }

  /** Writes an event of the choice's open block. */
  #writeEvent(event: ChatEvent, choice: Choice): void {
    if (event.type === 'delta') this.#append(event.text, choice)
    else if (event.type === 'block') this.#openBlock(event.block, choice)
    else if (event.type === 'stop') this.#closeBlock(event.index, choice)
    else if (event.type === 'mark') recordMark(event, choice)
  }

  #openBlock(block: Block, choice: Choice): void {
    choice.block = block
    choice.input = ''
    choice.offset = choice.text.length
    const citations = block.type === 'text' ? (block.citations ?? []) : []
    for (const citation of citations) choice.citations.push({ citation, offset: choice.offset })
    if ('text' in block && block.text !== '') this.#append(block.text, choice)
    if (block.type === 'tool-call') choice.input = block.input
  }

  #append(text: string, choice: Choice): void {
    const { block } = choice
    if (block?.type === 'tool-call') {
      choice.input += text
      return
    }
    const isThought = block?.type === 'reasoning'
    const [head, tail] = isThought ? choice.thoughtFrame : choice.textFrame
    if (!isThought) choice.text += text
    this.#out += head + JSON.stringify(text) + tail
  }

  #closeBlock(index: number, choice: Choice): void {
    const { block, input } = choice
    choice.block = undefined
    if (!block) return
    if (block.type === 'text' || block.type === 'reasoning') {
      // The text is sent already, so its signature follows in an empty part.
      if ('thoughtSignature' in writeClientSignature(block.signature, ''))
        this.#writePart({ ...block, text: '' }, choice)
      return
    }
    if (block.type === 'refusal') return
    const whole = block.type === 'tool-call' ? { ...block, input } : block
    if (!this.#writePart(whole, choice)) this.#context.losses.noEquivalent(`content[${index}]`)
  }

  #writePart(block: Block, choice: Choice): boolean {
    const part = writePart(block, this.#context)
    if (part === undefined) return false
    const index = this.#choices.indexOf(choice)
    const before = index === 0 ? '' : `${EMPTY_CANDIDATE},`
    this.#out += `data: ${writeResponse(`[${before}${writeCandidate([part], { index })}]`, this.#fields)}\n\n`
    return true
  }
}

/** Keeps a signature until its block ends, and a citation until the stream ends. */
function recordMark({ signature, citation }: Extract<ChatEvent, { readonly type: 'mark' }>, choice: Choice): void {
  if (citation) choice.citations.push({ citation, offset: choice.offset })
  if (signature && choice.block) choice.block = { ...choice.block, signature } as Block
}
