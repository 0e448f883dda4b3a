import type { ChatAnswer } from '../../src/chat/answer.js'
import type { Block, MediaBlock } from '../../src/chat/blocks.js'
import { AnswerCollector } from '../../src/chat/collect-answer.js'
import type { ChatRequest, Tool, Turn } from '../../src/chat/request.js'
import { unwrapSignature } from '../../src/chat/signatures.js'
import { readRecords } from '../../src/lib/sse.js'
import { isObject, parseJson } from '../../src/lib/values.js'
import { protocolOf } from '../../src/protocols/index.js'
import type { ReadOptions } from '../../src/protocols/protocol.js'
import { type Language, pathOf } from './languages.js'

const READING: ReadOptions = { id: 'read' }

/** A value without all that is undefined, as it would be after a way through JSON. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** What a request asks for: not where that stood, nor what has no neutral word, nor how its answer is packed. */
export function meaningOf(body: string, language: Language, stream: boolean): unknown {
  const request = protocolOf(language).readRequest(Buffer.from(body), pathOf(stream))
  const { stream: _, wantsUsage: __, native: ___, turns, tools, format, ...rest } = request
  return plain({
    ...rest,
    turns: joined(turns).map(({ role, name, blocks }) => ({
      role,
      name,
      blocks: textJoined(blocks).map(blockMeaning),
    })),
    tools: tools.map(toolMeaning),
    format: formatMeaning(format),
  })
}

/** What follows of the same side is one turn. */
function joined(turns: readonly Turn[]): Turn[] {
  const all: Turn[] = []
  for (const turn of turns.map(said).filter(({ blocks }) => blocks.length > 0)) {
    const last = all.at(-1)
    if (last?.role === turn.role && last.name === turn.name && turn.role !== 'system') {
      all[all.length - 1] = { ...last, blocks: [...last.blocks, ...turn.blocks] }
    } else all.push(turn)
  }
  return all
}

/** Texts that say nothing are none. */
function said(turn: Turn): Turn {
  return { ...turn, blocks: turn.blocks.filter(isSaid) }
}

/** Texts of a model that follow one another, and have nothing of their own, are one text. */
function textJoined(blocks: readonly Block[]): Block[] {
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

/** A text may come as its bytes. An image that nothing is said of is looked at as the model likes. */
function mediaMeaning({ source, detail, ...media }: MediaBlock): unknown {
  const isText = media.mime === 'text/plain' && source.type === 'bytes'
  const text = isText ? { type: 'text', text: Buffer.from(source.data, 'base64').toString() } : source
  return { ...media, source: text, detail: detail === 'auto' ? undefined : detail }
}

/** Left out, `strict` is no. A tool that takes nothing need not say so. */
function toolMeaning(tool: Tool): unknown {
  const { at: _, ...rest } = tool
  if ('native' in rest) delete (rest as { native?: unknown }).native
  if (rest.type !== 'function') return rest
  const takesNothing = Object.keys(rest.schema?.properties ?? {}).length === 0
  return { ...rest, strict: rest.strict || undefined, schema: takesNothing ? undefined : rest.schema }
}

/** A name must be given in some languages and cannot be in others: it says nothing. */
function formatMeaning(format: ChatRequest['format']): unknown {
  if (format?.type !== 'schema') return format?.type === 'text' ? undefined : format
  const { name: _, ...rest } = format
  return { ...rest, strict: rest.strict || undefined }
}

/** What a whole answer says; signatures by what they are worth. */
export function answerMeaning(body: Buffer | string, language: Language): unknown {
  return meaningOfAnswer(protocolOf(language).readAnswer(Buffer.from(body), READING))
}

/** The same for a stream, told whole. @throws when it does not end as its language ends a stream */
export function streamMeaning(bytes: Buffer, language: Language): unknown {
  return meaningOfAnswer(readWhole(bytes, language))
}

export function readWhole(bytes: Buffer, language: Language): ChatAnswer {
  const fold = new AnswerCollector()
  const reader = protocolOf(language).readStream(READING)
  for (const record of readRecords(bytes)) reader.read(record, (event) => fold.push(event))
  const { answer } = fold
  if (reader.state === 'open' && !answer.upstreamError) throw new Error(`the stream has no end: ${bytes.toString()}`)
  return answer
}

export function meaningOfAnswer({ model, choices, usage, upstreamError }: ChatAnswer): unknown {
  const told = choices.map(({ blocks, finish: { native: _, ...finish } }) => ({
    blocks: textJoined(blocks.filter(isSaid)).map(blockMeaning).map(unissued),
    finish,
  }))
  return plain({ model, choices: told, usage, upstreamError })
}

function isSaid(block: Block): boolean {
  return block.type !== 'text' || block.text !== '' || block.signature !== undefined
}

/** Who issued a signature, and as what, is told on the way: the caller's copy carries it. */
function unissued(block: unknown): unknown {
  if (!isObject(block) || !isObject(block.signature)) return block
  const value = String(block.signature.value)
  return { ...block, signature: unwrapSignature(value)?.value ?? value }
}
