import { openaiChat } from './openai-chat/index.js'
import type { Protocol, ProtocolId } from './protocol.js'

/** Every language the relay speaks. */
export const protocols: ReadonlyMap<ProtocolId, Protocol> = new Map(
  [openaiChat].map((protocol) => [protocol.id, protocol]),
)

/** A language by its id. @throws {TypeError} for one that is not spoken */
export function protocolOf(id: ProtocolId): Protocol {
  const protocol = protocols.get(id)
  if (!protocol) throw new TypeError(`no protocol ${id}`)
  return protocol
}

/** The language in which a request is answered that names none: what most clients read. */
export const commonProtocol: Protocol = openaiChat
