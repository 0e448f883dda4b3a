import { anthropicMessages } from './anthropic-messages/index.js'
import { gemini } from './gemini/index.js'
import { openaiChat } from './openai-chat/index.js'
import { openaiCompletions } from './openai-completions/index.js'
import { openaiResponses } from './openai-responses/index.js'
import type { Protocol, ProtocolId } from './protocol.js'

/** Every protocol, by id. */
export const protocols: ReadonlyMap<ProtocolId, Protocol> = new Map(
  [openaiChat, openaiResponses, anthropicMessages, gemini, openaiCompletions].map((protocol) => [
    protocol.id,
    protocol,
  ]),
)

/** @throws {TypeError} for an unknown id */
export function protocolOf(id: ProtocolId): Protocol {
  const protocol = protocols.get(id)
  if (!protocol) throw new TypeError(`There is no protocol ${id}.`)
  return protocol
}

/** The protocol of answers to requests whose path belongs to no protocol. Most clients understand it. */
export const fallbackProtocol: Protocol = openaiChat
