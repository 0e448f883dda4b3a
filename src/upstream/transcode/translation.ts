import type { Call } from '../../call.js'
import { fitTools } from '../../chat/fit-tools.js'
import { declareForeign, type Loss, Losses } from '../../chat/losses.js'
import type { ChatRequest } from '../../chat/request.js'
import { dropUnsupported } from '../../chat/supported-settings.js'
import { RelayError } from '../../errors.js'
import type { Protocol } from '../../protocols/protocol.js'
import type { Target } from '../../targets.js'
import { AnswerTranslator } from './answer-translator.js'
import type { SignatureMemory } from './signature-memory.js'

/** What translations work with. */
export interface TranslationOptions {
  /** Whatever would be lost is an error instead. */
  readonly strict: boolean
  readonly memory: SignatureMemory
}

/** One call between two languages. */
export interface Translation {
  /** The request, as the target's language has it. */
  readonly body: Buffer
  /** What of the request had to be left out. */
  readonly losses: readonly Loss[]
  /** The way back for whatever answer comes. */
  readonly answerTranslator: AnswerTranslator
}

/** Writes a call in a target's language. @throws {RelayError} for what that cannot do without */
export function translate(call: Call, target: Target, reader: Protocol, translating: TranslationOptions): Translation {
  const { strict, memory } = translating
  const losses = new Losses(reader.id, call.protocol.settingNames)
  const remembered = memory.restore(conversationOf(call), call.caller.id)
  const { model, signatureTag: issuer, dialect } = target
  const traits = traitsOf(target, reader)
  const { request, toolNames } = fitTools(dropUnsupported(remembered, dialect, losses), traits, losses)
  const most = traits.stopSequences ?? request.stop.length
  const told = { ...request, stop: request.stop.slice(0, most) }
  declareForeign(told, losses)
  const body = reader.writeRequest(told, {
    model,
    stream: asksForStream(call, target),
    issuer: issuer,
    dialect,
    losses,
  })
  rejectLosses(losses, strict)
  const stops = request.stop.slice(most)
  const retelling = new AnswerTranslator(call, target, { reader, memory, request: remembered, toolNames, stops })
  return { body: Buffer.from(body), losses: losses.list, answerTranslator: retelling }
}

/**
 * The way back alone, for an answer whose shape is not what was asked for. The request has gone on as it came, so what
 * the relay cannot read of it is no fault now.
 */
export function createSameProtocolTranslator(call: Call, target: Target, memory: SignatureMemory): AnswerTranslator {
  return new AnswerTranslator(call, target, { reader: call.protocol, memory, request: readableConversation(call) })
}

const NOTHING_SAID: ChatRequest = { stream: true, turns: [], tools: [], stop: [] }

function readableConversation(call: Call): ChatRequest {
  try {
    return conversationOf(call)
  } catch {
    return NOTHING_SAID
  }
}

/** The call's body in no language's words: read once, however many targets are tried. @throws {RelayError} */
export function conversationOf(call: Call): ChatRequest {
  call.conversation ??= call.protocol.readRequest(call.body, call.path)
  return call.conversation
}

/** What a target can say of tools and of stop sequences: its language's rules, or its own. */
export function traitsOf({ dialect }: Target, { traits }: Protocol): Protocol['traits'] {
  const { toolId, maxStopSequences } = dialect
  if (!toolId && maxStopSequences === undefined) return traits
  return {
    ...traits,
    toolId: toolId ?? traits.toolId,
    ...(maxStopSequences !== undefined && { stopSequences: maxStopSequences }),
  }
}

/** Whether a target is asked for a stream: as the caller wants it, or since there is nothing else to be had. */
export function asksForStream({ facts }: Call, { dialect }: Target): boolean {
  return facts.stream || dialect.streamsOnly === true
}

/** @throws {RelayError} for what has been lost where nothing may be */
export function rejectLosses({ list }: Losses, strict: boolean): void {
  const [first] = list
  if (!strict || !first) return
  const text = list.map(({ path, reason }) => `${path}: ${reason}`).join('; ')
  throw new RelayError('untranslatable', `The model's own language cannot say all of this request. ${text}`, {
    param: first.path,
  })
}
