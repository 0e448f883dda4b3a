import type { Channel } from '../call.js'
import { joined, type Pieces } from '../lib/pieces.js'
import type { Letter } from '../providers/envelope.js'
import { pathAt } from './address.js'
import type { Passage } from './passage.js'

/** A request as it is sent. */
export interface Enclosed extends Omit<Letter, 'body'> {
  readonly body: Pieces
}

/** What is sent to a channel: the passage's request, in the envelope that the target wants. @throws {RelayError} */
export function enclose({ target, place }: Channel, passage: Passage, stream: boolean): Enclosed {
  const { protocol, path, headers, body } = passage
  const { envelope, model } = target
  if (!envelope) return { path: pathAt(place, protocol, path), headers, body }
  return envelope.seal({ path, headers, body: joined(body) }, { prefix: place.prefix, model, stream })
}
