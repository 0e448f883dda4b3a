import { isObject, parseJson } from '../lib/values.js'
import type { FreeformTool, FunctionTool } from './request.js'

/** A tool that takes plain text, as a function that takes it in one field: for languages without such tools. */
export function functionOf({ type: _, format, description, ...tool }: FreeformTool): FunctionTool {
  const grammar =
    format?.type === 'grammar' ? `The input must follow this ${format.syntax} grammar:\n${format.definition}` : ''
  return {
    ...tool,
    type: 'function',
    description: [description, grammar].filter(Boolean).join('\n\n') || undefined,
    schema: {
      type: 'object',
      properties: { input: { type: 'string' } },
      required: ['input'],
      additionalProperties: false,
    },
  }
}

export function wrapInput(text: string): string {
  return JSON.stringify({ input: text })
}

/** The text in what the model gave such a function; what it gave, if that has another shape. */
export function unwrapInput(json: string): string {
  const value = parseJson(json)
  return isObject(value) && typeof value.input === 'string' ? value.input : json
}

const BEGINNING = /^\s*\{\s*"input"\s*:\s*"/
/** Longer without the expected beginning, and it is something else. */
const LONGEST_BEGINNING = 64

/** {@link unwrapInput} for input that comes in pieces, cut anywhere. */
export class InputUnwrapper {
  /** What came before the text began; all of it, if it never does. */
  #before = ''
  /** The beginning of an escape whose end has not come. */
  #escape = ''
  #state: 'before' | 'within' | 'after' = 'before'

  push(piece: string): string {
    if (this.#state === 'within') return this.#decode(piece)
    if (this.#state === 'after') return ''
    this.#before += piece
    const [beginning] = BEGINNING.exec(this.#before.slice(0, LONGEST_BEGINNING)) ?? []
    if (beginning === undefined) return ''
    this.#state = 'within'
    return this.#decode(this.#before.slice(beginning.length))
  }

  /** What is left to say when all has come. */
  end(): string {
    return this.#state === 'before' ? unwrapInput(this.#before) : ''
  }

  #decode(piece: string): string {
    const text = this.#escape + piece
    this.#escape = ''
    let end = 0
    while (end < text.length && text[end] !== '"') {
      if (text[end] !== '\\') end++
      else {
        const length = text[end + 1] === 'u' ? 6 : 2
        if (end + length > text.length) {
          this.#escape = text.slice(end)
          return decodeEscapes(text.slice(0, end))
        }
        end += length
      }
    }
    if (end < text.length) this.#state = 'after'
    return decodeEscapes(text.slice(0, end))
  }
}

const CONTROL = /\p{Cc}/gu

/** Models leave line breaks unescaped now and then; a string of JSON must not hold them. */
function decodeEscapes(text: string): string {
  if (!text.includes('\\')) return text
  const escaped = text.replace(CONTROL, (control) => JSON.stringify(control).slice(1, -1))
  const value = parseJson(`"${escaped}"`)
  return typeof value === 'string' ? value : text
}
