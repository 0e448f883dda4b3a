import { isObject, parseJson } from '../lib/values.js'

/** A request's JSON with these of its fields only: counts depend on no others, and places that count take no others. */
export function onlyFields(json: string, names: readonly string[]): string {
  const body = parseJson(json)
  const entries = isObject(body) ? Object.entries(body).filter(([name]) => names.includes(name)) : []
  return JSON.stringify(Object.fromEntries(entries))
}

/** `{ "input_tokens": 12 }`; undefined for anything else. */
export function readInputTokens(body: Buffer): number | undefined {
  const answer = parseJson(body.toString())
  return isObject(answer) && typeof answer.input_tokens === 'number' ? answer.input_tokens : undefined
}
