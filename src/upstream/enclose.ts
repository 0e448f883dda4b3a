import type { Channel } from '../call.js'
import type { Letter } from '../providers/envelope.js'
import { pathAt } from './address.js'
import type { Passage } from './passage.js'

/** What is sent to a channel: the passage's request, in the envelope that the target wants. @throws {RelayError} */
export function enclose({ target, place }: Channel, passage: Passage, stream: boolean): Letter {
  const { protocol, path, headers, body } = passage
  const { envelope, model } = target
  if (!envelope) return { path: pathAt(place, protocol, path), headers, body }
  return envelope.seal({ path, headers, body }, { prefix: place.prefix, model, stream })
}
