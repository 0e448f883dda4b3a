import type { Call } from '../../call.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'

/** The protocol toward a target: the caller's own if the target speaks it, else the target's first. */
export function protocolFor({ speaks }: Pick<Target, 'speaks'>, callersProtocol: Protocol): Protocol {
  return speaks.includes(callersProtocol) ? callersProtocol : (speaks[0] ?? callersProtocol)
}

/** What a target accepts of tools and stop sequences: by its dialect, else by its protocol. */
export function traitsOf({ dialect }: Target, { traits }: Protocol): Protocol['traits'] {
  const { toolCallId, maxStopSequences } = dialect
  if (!toolCallId && maxStopSequences === undefined) return traits
  return {
    ...traits,
    toolId: toolCallId ?? traits.toolId,
    ...(maxStopSequences !== undefined && { stopSequences: maxStopSequences }),
  }
}

/** Whether the relay asks a target for a stream: because the client wants one, or because the target has nothing else. */
export function asksForStream({ facts }: Call, { dialect }: Target): boolean {
  return facts.stream || dialect.streamsOnly === true
}
