import { isObject, parseJson } from '../lib/values.js'
import type { FreeformTool, FunctionTool } from './request.js'

/** A plain-text tool as a function with one text field, for protocols without such tools. */
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

/** The text in the input of such a function. Input of another shape is returned unchanged. */
export function unwrapInput(json: string): string {
  const value = parseJson(json)
  return isObject(value) && typeof value.input === 'string' ? value.input : json
}

const START = /^\s*\{\s*"input"\s*:\s*"/
/** Input that has not started as expected after this many characters has another shape. */
const MAX_START_LENGTH = 64

/** {@link unwrapInput} for input that arrives in chunks. */
export class InputUnwrapper {
  /** Input before the text starts. */
  #before = ''
  /** The first part of an incomplete escape sequence. */
  #escape = ''
  #state: 'before' | 'within' | 'after' = 'before'

  push(chunk: string): string {
    if (this.#state === 'within') return this.#decode(chunk)
    if (this.#state === 'after') return ''
    this.#before += chunk
    const [start] = START.exec(this.#before.slice(0, MAX_START_LENGTH)) ?? []
    if (start === undefined) return ''
    this.#state = 'within'
    return this.#decode(this.#before.slice(start.length))
  }

  /** The rest of the text, when the input is complete. */
  end(): string {
    return this.#state === 'before' ? unwrapInput(this.#before) : ''
  }

  #decode(chunk: string): string {
    const text = this.#escape + chunk
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

/** Escapes control characters first: models sometimes leave line breaks unescaped, which JSON forbids. */
function decodeEscapes(text: string): string {
  if (!text.includes('\\')) return text
  const escaped = text.replace(CONTROL, (control) => JSON.stringify(control).slice(1, -1))
  const value = parseJson(`"${escaped}"`)
  return typeof value === 'string' ? value : text
}
