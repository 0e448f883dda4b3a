import type { Target } from '../call.js'
import type { Protocol } from '../protocols/protocol.js'

/** The language in which a target is spoken to: the caller's, if it speaks that, else the first that it does. */
export function languageFor({ upstream, dialect }: Pick<Target, 'upstream' | 'dialect'>, own: Protocol): Protocol {
  const { unspoken } = dialect
  const speaks = unspoken ? upstream.speaks.filter(({ id }) => !unspoken.includes(id)) : upstream.speaks
  return speaks.includes(own) ? own : (speaks[0] ?? own)
}
