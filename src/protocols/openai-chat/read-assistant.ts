import type { Block, MediaBlock, TextBlock } from '../../chat/blocks.js'
import { sourceOfUrl } from '../../chat/media.js'
import type { Turn } from '../../chat/request.js'
import { isObject } from '../../lib/values.js'
import type { Field } from '../field.js'
import { readCall } from './calls.js'
import { readCitations } from './citations.js'
import { readGoogleSignature } from './google.js'
import { LANGUAGE } from './language.js'
import { readNative } from './native.js'
import { assistantParts, kindOf, readContent } from './parts.js'
import { readReasoning } from './reasoning.js'

const KNOWN = new Set([
  'role',
  'content',
  'name',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'images',
  'annotations',
  'extra_content',
  'cache_control',
])

/** What a model said before, as clients bring it back: also what only some vendors' models say. */
export function readAssistant(message: Field): Turn {
  const object = message.object()
  const reasoning = readReasoning(object).map((block) => ({ ...block, at: message.path }))
  const blocks = [...reasoning, ...readSaid(message), ...readImages(object), ...readCalls(message)]
  if (blocks.length === 0 && object.content !== '') message.get('content').text()
  return {
    role: 'assistant',
    blocks,
    at: message.path,
    name: message.get('name').maybeText(),
    native: readNative(message, KNOWN),
  }
}

/** Content, refusal and audio. */
function readSaid(message: Field): Block[] {
  const blocks = signed(message, cited(message, readText(message.get('content'))))
  const refusal = message.get('refusal')
  if (refusal.maybeText()) blocks.push({ type: 'refusal', text: refusal.text(), at: refusal.path })
  const audio = message.get('audio')
  const value = audio.maybeObject()
  if (value) blocks.push({ type: 'foreign', protocol: LANGUAGE, kind: 'audio', value, at: audio.path })
  return blocks
}

function readText(content: Field): Block[] {
  const empty = !content.given || content.value === '' || (Array.isArray(content.value) && content.value.length === 0)
  return empty ? [] : readContent(content, assistantParts)
}

function cited(message: Field, blocks: Block[]): Block[] {
  const [only] = blocks
  if (only?.type !== 'text' || blocks.length > 1) return blocks
  const citations = readCitations(message.get('annotations').value, only.text)
  return citations.length > 0 ? [{ ...only, citations }] : blocks
}

/** Google signs text too: beside it, even if it is empty. */
function signed(message: Field, blocks: Block[]): Block[] {
  const signature = readGoogleSignature(message.get('extra_content').value)
  if (!signature) return blocks
  const at = blocks.findLastIndex((block) => block.type === 'text')
  const text = (blocks[at] ?? { type: 'text', text: '', at: message.path }) as TextBlock
  return at < 0 ? [...blocks, { ...text, signature }] : blocks.with(at, { ...text, signature })
}

/** OpenRouter's `images`: those that a model made. */
export function readImages({ images }: Record<string, unknown>): MediaBlock[] {
  const list: unknown[] = Array.isArray(images) ? images : []
  return list.flatMap((image) => {
    const place = isObject(image) ? (image.image_url ?? image) : undefined
    const url = isObject(place) ? place.url : place
    if (typeof url !== 'string' || url === '') return []
    const { source, mime } = sourceOfUrl(url)
    return [{ type: 'media', kind: kindOf(mime, 'image'), mime, source }]
  })
}

function readCalls(message: Field): Block[] {
  const calls: Block[] = message.get('tool_calls').maybeList().map(readCall)
  const legacy = message.get('function_call')
  if (!legacy.given) return calls
  const name = legacy.get('name').text()
  const input = legacy.get('arguments').maybeText() ?? ''
  // The path is unique in the request, and the same in every later turn of it.
  const id = `call_${message.path.replace(/\D/g, '')}`
  return [...calls, { type: 'tool-call', id, name, input, at: legacy.path }]
}
