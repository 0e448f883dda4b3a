import type { ToolCallBlock } from '../../chat/blocks.js'
import type { AnswerContext } from '../protocol.js'
import { signedCall } from './google.js'
import { type ChoiceState, type Mark, type OpenBlock, record } from './open-block.js'

/** The writer of a call: of the kind that the client asked with. The old kind knows one call: others are lost. */
export function openCall(
  block: ToolCallBlock,
  choice: ChoiceState,
  at: string,
  { issuer, losses }: AnswerContext,
): OpenBlock | undefined {
  const index = choice.calls++
  if (choice.legacy && index === 0) return new OpenLegacyCall(block, choice)
  if (choice.legacy) {
    losses.noEquivalent(at)
    return undefined
  }
  return new OpenCall(block, choice, index, issuer)
}

class OpenCall implements OpenBlock {
  readonly #block: ToolCallBlock
  readonly #choice: ChoiceState
  readonly #index: number
  readonly #issuer: string
  readonly #head: string
  readonly #tail: string
  #isEmpty = true

  constructor(block: ToolCallBlock, choice: ChoiceState, index: number, issuer: string) {
    this.#block = block
    this.#choice = choice
    this.#index = index
    this.#issuer = issuer
    const growing = block.freeform ? '"custom":{"input":' : '"function":{"arguments":'
    this.#head = `${choice.head}"tool_calls":[{"index":${index},${growing}`
    this.#tail = `}}]${choice.tail}`
  }

  begin(): string {
    const { id, name, freeform, signature } = this.#block
    const body = freeform
      ? { type: 'custom', custom: { name, input: '' } }
      : { type: 'function', function: { name, arguments: '' } }
    const extra = signature?.value ? { extra_content: signedCall(signature, this.#issuer) } : {}
    return record(this.#choice, { tool_calls: [{ index: this.#index, id, ...body, ...extra }] })
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#isEmpty = false
    return this.#head + JSON.stringify(text) + this.#tail
  }

  mark({ signature }: Mark): string {
    if (!signature?.value) return ''
    const extra_content = signedCall(signature, this.#issuer)
    return record(this.#choice, { tool_calls: [{ index: this.#index, extra_content }] })
  }

  /** An input that never came is an empty object. */
  stop(): string {
    return this.#isEmpty && !this.#block.freeform ? this.#head + JSON.stringify('{}') + this.#tail : ''
  }
}

class OpenLegacyCall implements OpenBlock {
  readonly #block: ToolCallBlock
  readonly #choice: ChoiceState
  #isEmpty = true

  constructor(block: ToolCallBlock, choice: ChoiceState) {
    this.#block = block
    this.#choice = choice
  }

  begin(): string {
    return this.#tell({ name: this.#block.name, arguments: '' })
  }

  delta(text: string): string {
    this.#isEmpty &&= text === ''
    return this.#tell({ arguments: text })
  }

  mark = (): string => ''

  stop(): string {
    return this.#isEmpty ? this.#tell({ arguments: '{}' }) : ''
  }

  #tell(function_call: object): string {
    return record(this.#choice, { function_call })
  }
}
