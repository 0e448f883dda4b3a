import { isObject, parseJson } from '../lib/values.js'

/** Keeps only these fields of a request's JSON: endpoints that count tokens refuse others. */
export function selectFields(json: string, names: readonly string[]): string {
  const body = parseJson(json)
  const entries = isObject(body) ? Object.entries(body).filter(([name]) => names.includes(name)) : []
  return JSON.stringify(Object.fromEntries(entries))
}

/** Reads `{ "input_tokens": 12 }`; undefined for anything else. */
export function readInputTokens(body: Buffer): number | undefined {
  const answer = parseJson(body.toString())
  return isObject(answer) && typeof answer.input_tokens === 'number' ? answer.input_tokens : undefined
}
