import type { Protocol } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'

/** The language in which a target is spoken to: the caller's, if it speaks that, else the first that it does. */
export function protocolFor({ speaks }: Pick<Target, 'speaks'>, own: Protocol): Protocol {
  return speaks.includes(own) ? own : (speaks[0] ?? own)
}
