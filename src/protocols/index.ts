import { anthropicMessages } from './anthropic-messages/index.js'
import { gemini } from './gemini/index.js'
import { openaiChat } from './openai-chat/index.js'
import { openaiCompletions } from './openai-completions/index.js'
import { openaiResponses } from './openai-responses/index.js'
import type { Protocol, ProtocolId } from './protocol.js'

/** Every language the relay speaks. */
export const protocols: ReadonlyMap<ProtocolId, Protocol> = new Map(
  [openaiChat, openaiResponses, anthropicMessages, gemini, openaiCompletions].map((protocol) => [
    protocol.id,
    protocol,
  ]),
)

/** A language by its id. @throws {TypeError} for one that is not spoken */
export function protocolOf(id: ProtocolId): Protocol {
  const protocol = protocols.get(id)
  if (!protocol) throw new TypeError(`no protocol ${id}`)
  return protocol
}

/** The language in which a request is answered that names none: what most clients read. */
export const commonProtocol: Protocol = openaiChat
