import type { ChatAnswer } from '../../src/chat/answer.js'
import type { Block, MediaBlock } from '../../src/chat/blocks.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatRequest, Tool, Turn } from '../../src/chat/request.js'
import { unwrapSignature } from '../../src/chat/signatures.js'
import { readRecords } from '../../src/lib/sse.js'
import { isObject, parseJson } from '../../src/lib/values.js'
import { protocolOf } from '../../src/protocols/index.js'
import type { ReadOptions } from '../../src/protocols/protocol.js'
import { type ConversationProtocol, pathFacts } from './protocol-setups.js'

const READ_OPTIONS: ReadOptions = { id: 'read' }

/** A value without undefined members, as after a round trip through JSON. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** What a request means, without positions, native fields, and how its answer is sent. */
export function requestMeaning(body: string, protocolId: ConversationProtocol, stream: boolean): unknown {
  const request = protocolOf(protocolId).readRequest(Buffer.from(body), pathFacts(stream))
  const { stream: _, wantsUsage: __, native: ___, turns, tools, format, ...rest } = request
  return plain({
    ...rest,
    turns: joinTurns(turns).map(({ role, name, blocks }) => ({
      role,
      name,
      blocks: joinTexts(blocks).map(blockMeaning),
    })),
    tools: tools.map(toolMeaning),
    format: formatMeaning(format),
  })
}

/** Joins consecutive turns of the same role. */
function joinTurns(turns: readonly Turn[]): Turn[] {
  const all: Turn[] = []
  for (const turn of turns.map(withoutEmptyTexts).filter(({ blocks }) => blocks.length > 0)) {
    const last = all.at(-1)
    if (last?.role === turn.role && last.name === turn.name && turn.role !== 'system') {
      all[all.length - 1] = { ...last, blocks: [...last.blocks, ...turn.blocks] }
    } else all.push(turn)
  }
  return all
}

/** Drops empty texts. */
function withoutEmptyTexts(turn: Turn): Turn {
  return { ...turn, blocks: turn.blocks.filter(isNotEmpty) }
}

/** Joins consecutive texts without signature, citations or cache mark. */
function joinTexts(blocks: readonly Block[]): Block[] {
  const all: Block[] = []
  for (const block of blocks) {
    const last = all.at(-1)
    if (block.type === 'text' && last?.type === 'text' && isBare(last) && isBare(block)) {
      all[all.length - 1] = { ...last, text: last.text + block.text }
    } else all.push(block)
  }
  return all
}

function isBare(block: Extract<Block, { type: 'text' }>): boolean {
  return !block.signature && !block.citations && !block.cache
}

function blockMeaning({ at: _, native: __, ...block }: Block): unknown {
  if (block.type === 'tool-result') return { ...block, blocks: block.blocks.map(blockMeaning) }
  if (block.type === 'text') return { ...block, citations: block.citations?.map(({ native: _, ...cited }) => cited) }
  if (block.type === 'media') return mediaMeaning(block)
  if (block.type !== 'tool-call') return block
  return block.freeform ? block : { ...block, input: parseJson(block.input || '{}') ?? block.input }
}

/** Plain text may arrive as bytes. A missing `detail` means `auto`. */
function mediaMeaning({ source, detail, ...media }: MediaBlock): unknown {
  const isText = media.mime === 'text/plain' && source.type === 'bytes'
  const text = isText ? { type: 'text', text: Buffer.from(source.data, 'base64').toString() } : source
  return { ...media, source: text, detail: detail === 'auto' ? undefined : detail }
}

/** A missing `strict` means false. The schema of a tool without parameters may be missing. */
function toolMeaning(tool: Tool): unknown {
  const { at: _, ...rest } = tool
  if ('native' in rest) delete (rest as { native?: unknown }).native
  if (rest.type !== 'function') return rest
  const takesNothing = Object.keys(rest.schema?.properties ?? {}).length === 0
  return { ...rest, strict: rest.strict || undefined, schema: takesNothing ? undefined : rest.schema }
}

/** Ignores the name of a schema: some protocols require one, others have none. */
function formatMeaning(format: ChatRequest['format']): unknown {
  if (format?.type !== 'schema') return format?.type === 'text' ? undefined : format
  const { name: _, ...rest } = format
  return { ...rest, strict: rest.strict || undefined }
}

/** What a whole answer means. Signatures are unwrapped. */
export function answerMeaning(body: Buffer | string, protocolId: ConversationProtocol): unknown {
  return meaningOfAnswer(protocolOf(protocolId).readAnswer(Buffer.from(body), READ_OPTIONS))
}

/** What a stream means. @throws for a stream without its protocol's end */
export function streamMeaning(bytes: Buffer, protocolId: ConversationProtocol): unknown {
  return meaningOfAnswer(readWholeStream(bytes, protocolId))
}

export function readWholeStream(bytes: Buffer, protocolId: ConversationProtocol): ChatAnswer {
  const collector = new AnswerCollector()
  const reader = protocolOf(protocolId).readStream(READ_OPTIONS)
  for (const record of readRecords(bytes)) reader.read(record, (event) => collector.push(event))
  const { answer } = collector
  if (reader.state === 'open' && !answer.upstreamError) throw new Error(`the stream has no end: ${bytes.toString()}`)
  return answer
}

export function meaningOfAnswer({ model, choices, usage, upstreamError }: ChatAnswer): unknown {
  const meanings = choices.map(({ blocks, finish: { native: _, ...finish } }) => ({
    blocks: joinTexts(blocks.filter(isNotEmpty)).map(blockMeaning).map(withoutIssuer),
    finish,
  }))
  return plain({ model, choices: meanings, usage, upstreamError })
}

function isNotEmpty(block: Block): boolean {
  return block.type !== 'text' || block.text !== '' || block.signature !== undefined
}

/** Unwraps a signature: the client's copy names its issuer. */
function withoutIssuer(block: unknown): unknown {
  if (!isObject(block) || !isObject(block.signature)) return block
  const value = String(block.signature.value)
  return { ...block, signature: unwrapSignature(value)?.value ?? value }
}
