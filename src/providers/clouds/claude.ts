import { type Member, objectOf, readMembers } from '../../lib/members.js'

/** Betas about a client or its billing, not about fields of a request. Providers other than Anthropic refuse a request with them. */
const CLIENT_BETAS = /^(?:claude-code|oauth|prompt-caching-scope|redact-thinking)-/

/** The betas in a request's `anthropic-beta` header that other providers understand. */
export function readBetas(headers: readonly string[]): string[] {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name === 'anthropic-beta')
  const betas = at < 0 ? [] : (headers[at + 1] ?? '').split(',').map((beta) => beta.trim())
  return betas.filter((beta) => beta !== '' && !CLIENT_BETAS.test(beta))
}

/** Removes the headers of Anthropic's own API. */
export function withoutAnthropicHeaders(headers: readonly string[]): string[] {
  return headers.filter((_text, at) => !headers[at - (at % 2)]?.startsWith('anthropic-'))
}

interface ClaudeBodyOptions {
  /** Fields to remove. */
  readonly without: readonly string[]
  readonly version: string
  /** Betas to add, unless the body has its own. */
  readonly betas?: readonly string[]
}

/** Converts a body of Anthropic's Messages for other providers: with the version in the body, and the model in the path instead. All else keeps its bytes. */
export function claudeBody(body: Buffer, { without, version, betas = [] }: ClaudeBodyOptions): Buffer {
  const members = readMembers(body)
  const has = (wanted: string): boolean => members.some(({ name }) => name === wanted)
  const isKept = ({ name }: Member): boolean => name !== 'anthropic_version' && !without.includes(name)
  const added = {
    anthropic_version: version,
    ...(betas.length > 0 && !has('anthropic_beta') && { anthropic_beta: betas }),
  }
  return objectOf(body, members.filter(isKept), added)
}
