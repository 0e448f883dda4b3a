import { isObject } from '../lib/values.js'
import type { DemoReply, DemoRequest } from './protocol.js'

const MAX_ECHO_LENGTH = 200
/** Stops at a schema that contains itself. */
const MAX_SCHEMA_DEPTH = 6

/** Calls the request's tool, or repeats the tool's result, or repeats what the user said. */
export function createReply(request: DemoRequest): DemoReply {
  const { tool, schema, maxWords } = request
  const echo = truncate(request.userText)
  if (tool) {
    return { words: wordsOf(JSON.stringify(sampleOf(tool.schema, echo))), toolName: tool.name, isTruncated: false }
  }
  const text = schema === undefined ? textReply(request, echo) : JSON.stringify(sampleOf(schema, echo))
  const words = wordsOf(text)
  return { words: words.slice(0, maxWords), toolName: undefined, isTruncated: words.length > maxWords }
}

function textReply({ toolResult, model }: DemoRequest, echo: string): string {
  if (toolResult !== undefined) return `The tool answered: ${truncate(toolResult)}`
  const repeated = echo === '' ? 'You said nothing.' : `You said: "${echo}".`
  return `${repeated} This is ${model}, the demo upstream of modelmount. It repeats what you say and does not think.`
}

/** Counts code points, so that it does not cut a surrogate pair. */
function truncate(text: string): string {
  const start = [...text.slice(0, 2 * MAX_ECHO_LENGTH)].slice(0, MAX_ECHO_LENGTH).join('')
  return start.length < text.length ? `${start}…` : text
}

function wordsOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? []
}

/** Returns a value for a JSON schema, as far as its common keywords go. Strings become `text`. */
function sampleOf(schema: unknown, text: string, depth = 0): unknown {
  if (!isObject(schema) || depth > MAX_SCHEMA_DEPTH) return text
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (Array.isArray(schema.enum)) return schema.enum[0]
  const variants = schema.anyOf ?? schema.oneOf
  if (Array.isArray(variants)) return sampleOf(variants[0], text, depth + 1)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object' || isObject(schema.properties)) return sampleObject(schema, text, depth)
  if (type === 'array') return [sampleOf(schema.items, text, depth + 1)]
  if (type === 'number' || type === 'integer') return typeof schema.minimum === 'number' ? schema.minimum : 1
  if (type === 'boolean') return true
  return type === 'null' ? null : text
}

/** Only the required fields, if the schema names them. */
function sampleObject({ properties, required }: Record<string, unknown>, text: string, depth: number): object {
  const all = Object.entries(isObject(properties) ? properties : {})
  const included = Array.isArray(required) ? all.filter(([name]) => required.includes(name)) : all
  return Object.fromEntries(included.map(([name, fieldSchema]) => [name, sampleOf(fieldSchema, text, depth + 1)]))
}
