import type { ToolCallBlock } from '../../../chat/blocks.js'
import type { AnswerContext } from '../../protocol.js'
import { writeClientSignature } from '../answer/google-signatures.js'
import { type BlockWriter, type ChoiceState, deltaRecord, type Mark } from './block-writer.js'

/**
 * Creates the writer of a tool call, in the form that the request used. A request with the deprecated `functions` can receive
 * only one call: further calls are losses, named by `path`.
 */
export function createCallWriter(
  block: ToolCallBlock,
  choice: ChoiceState,
  path: string,
  { issuer, losses }: AnswerContext,
): BlockWriter | undefined {
  const index = choice.calls++
  if (choice.usesFunctionCall && index === 0) return new FunctionCallWriter(block, choice)
  if (choice.usesFunctionCall) {
    losses.noEquivalent(path)
    return undefined
  }
  return new ToolCallWriter(block, choice, index, issuer)
}

/** Writes deltas of `tool_calls`. */
class ToolCallWriter implements BlockWriter {
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
    const inputPrefix = block.freeform ? '"custom":{"input":' : '"function":{"arguments":'
    this.#head = `${choice.head}"tool_calls":[{"index":${index},${inputPrefix}`
    this.#tail = `}}]${choice.tail}`
  }

  begin(): string {
    const { id, name, freeform, signature } = this.#block
    const body = freeform
      ? { type: 'custom', custom: { name, input: '' } }
      : { type: 'function', function: { name, arguments: '' } }
    const extra = signature?.value ? { extra_content: writeClientSignature(signature, this.#issuer) } : {}
    return deltaRecord(this.#choice, { tool_calls: [{ index: this.#index, id, ...body, ...extra }] })
  }

  delta(text: string): string {
    if (text === '') return ''
    this.#isEmpty = false
    return this.#head + JSON.stringify(text) + this.#tail
  }

  mark({ signature }: Mark): string {
    if (!signature?.value) return ''
    const extra_content = writeClientSignature(signature, this.#issuer)
    return deltaRecord(this.#choice, { tool_calls: [{ index: this.#index, extra_content }] })
  }

  /** Writes an empty object where the call has no input. */
  stop(): string {
    return this.#isEmpty && !this.#block.freeform ? this.#head + JSON.stringify('{}') + this.#tail : ''
  }
}

/** Writes deltas of the deprecated `function_call`. */
class FunctionCallWriter implements BlockWriter {
  readonly #block: ToolCallBlock
  readonly #choice: ChoiceState
  #isEmpty = true

  constructor(block: ToolCallBlock, choice: ChoiceState) {
    this.#block = block
    this.#choice = choice
  }

  begin(): string {
    return this.#record({ name: this.#block.name, arguments: '' })
  }

  delta(text: string): string {
    this.#isEmpty &&= text === ''
    return this.#record({ arguments: text })
  }

  mark = (): string => ''

  stop(): string {
    return this.#isEmpty ? this.#record({ arguments: '{}' }) : ''
  }

  #record(function_call: object): string {
    return deltaRecord(this.#choice, { function_call })
  }
}
