import type { Call } from '../../call.js'
import { fitTools } from '../../chat/fit-tools.js'
import { type Loss, Losses, recordForeignFields } from '../../chat/losses.js'
import type { ChatRequest } from '../../chat/request.js'
import { dropUnsupported } from '../../chat/supported-settings.js'
import { RelayError } from '../../errors.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'
import { AnswerTranslator } from './answer-translator.js'
import type { SignatureMemory } from './signature-memory.js'

export interface TranslationOptions {
  /** A loss is an error: see `translation` in the config. */
  readonly strict: boolean
  readonly memory: SignatureMemory
}

/** A call translated for a target. */
export interface Translation {
  /** The request in the target's protocol. */
  readonly body: Buffer
  /** What of the request had to be left out. */
  readonly losses: readonly Loss[]
  /** Translates the answer back. */
  readonly answerTranslator: AnswerTranslator
}

/** Writes a call in a target's protocol. @throws {RelayError} for a request that the protocol cannot express */
export function translate(
  call: Call,
  target: Target,
  protocol: Protocol,
  { strict, memory }: TranslationOptions,
): Translation {
  const { model, signatureTag: issuer, dialect } = target
  const losses = new Losses(protocol.id, call.protocol.settingNames)
  const conversation = memory.restore(conversationOf(call), call.caller.id)
  const traits = traitsOf(target, protocol)
  const { request, toolNames } = fitTools(dropUnsupported(conversation, dialect, losses), traits, losses)
  // The relay itself ends the answer at stop sequences beyond those that the target accepts.
  const acceptedStops = traits.stopSequences ?? request.stop.length
  const written = { ...request, stop: request.stop.slice(0, acceptedStops) }
  recordForeignFields(written, losses)
  const stream = asksForStream(call, target)
  const body = protocol.writeRequest(written, { model, stream, issuer, dialect, losses })
  rejectLosses(losses, strict)
  const answerTranslator = new AnswerTranslator(call, target, {
    reader: protocol,
    memory,
    request: conversation,
    toolNames,
    stops: request.stop.slice(acceptedStops),
  })
  return { body: Buffer.from(body), losses: losses.list, answerTranslator }
}

/**
 * Translates an answer within the caller's protocol, where it is whole but a stream was requested, or the reverse. The
 * request has gone on unread, so a part of it that the relay cannot read is no error here.
 */
export function createSameProtocolTranslator(call: Call, target: Target, memory: SignatureMemory): AnswerTranslator {
  return new AnswerTranslator(call, target, { reader: call.protocol, memory, request: readableConversation(call) })
}

const EMPTY_CONVERSATION: ChatRequest = { stream: true, turns: [], tools: [], stop: [] }

function readableConversation(call: Call): ChatRequest {
  try {
    return conversationOf(call)
  } catch {
    return EMPTY_CONVERSATION
  }
}

/** The call's body as a protocol-neutral conversation. Read once, however many targets are tried. @throws {RelayError} */
export function conversationOf(call: Call): ChatRequest {
  call.conversation ??= call.protocol.readRequest(call.body, call.path)
  return call.conversation
}

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

/** @throws {RelayError} for losses in strict translation */
export function rejectLosses({ list }: Losses, strict: boolean): void {
  const [first] = list
  if (!strict || !first) return
  const text = list.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  throw new RelayError('untranslatable', `The protocol of this model cannot express the whole request. ${text}`, {
    param: first.path,
  })
}
