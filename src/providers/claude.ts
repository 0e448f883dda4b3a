import { type Member, membersOf, objectOf } from '../lib/members.js'

/** Betas that concern a client or its bill, and no field of a request. Only Anthropic itself knows them; others refuse the request. */
const OF_CLIENTS = /^(?:claude-code|oauth|prompt-caching-scope|redact-thinking)-/

/** The betas of Anthropic's that a request asks for in its headers. */
export function betasIn(headers: readonly string[]): string[] {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name === 'anthropic-beta')
  const betas = at < 0 ? [] : (headers[at + 1] ?? '').split(',').map((beta) => beta.trim())
  return betas.filter((beta) => beta !== '' && !OF_CLIENTS.test(beta))
}

/** Headers without those of Anthropic's own API. */
export function withoutOwn(headers: readonly string[]): string[] {
  return headers.filter((_text, at) => !headers[at - (at % 2)]?.startsWith('anthropic-'))
}

/** What a body is to be without, and what it is to have. */
interface Change {
  readonly without: readonly string[]
  readonly version: string
  /** Asked for in the body; where that does so itself, they are as it says. */
  readonly betas?: readonly string[]
}

/** A body of Anthropic's Messages as other places have it: its version stands in it, its model in the path. All else keeps its bytes. */
export function claudeBody(body: Buffer, { without, version, betas = [] }: Change): Buffer {
  const members = membersOf(body)
  const has = (wanted: string): boolean => members.some(({ name }) => name === wanted)
  const isKept = ({ name }: Member): boolean => name !== 'anthropic_version' && !without.includes(name)
  const added = {
    anthropic_version: version,
    ...(betas.length > 0 && !has('anthropic_beta') && { anthropic_beta: betas }),
  }
  return objectOf(body, members.filter(isKept), added)
}
