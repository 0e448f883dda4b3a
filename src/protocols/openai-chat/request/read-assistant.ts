import type { Block, TextBlock } from '../../../chat/blocks.js'
import type { Turn } from '../../../chat/request.js'
import type { Field } from '../../field.js'
import { readCitations } from '../answer/citations.js'
import { readGoogleSignature } from '../answer/google-signatures.js'
import { readImages } from '../answer/images.js'
import { readReasoning } from '../answer/reasoning-details.js'
import { readToolCall } from '../answer/tool-calls.js'
import { readNative } from '../native.js'
import { PROTOCOL_ID } from '../traits.js'
import { assistantParts, readContent } from './content-parts.js'

const KNOWN_FIELDS = new Set([
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

/** Reads an earlier answer of a model, as a client sends it back, including other vendors' fields. */
export function readAssistant(message: Field): Turn {
  const object = message.object()
  const reasoning = readReasoning(object).map((block) => ({ ...block, at: message.path }))
  const blocks = [...reasoning, ...readContentBlocks(message), ...readImages(object), ...readToolCalls(message)]
  if (blocks.length === 0 && object.content !== '') message.get('content').text()
  return {
    role: 'assistant',
    blocks,
    at: message.path,
    name: message.get('name').maybeText(),
    native: readNative(message, KNOWN_FIELDS),
  }
}

/** Reads content, refusal and audio. */
function readContentBlocks(message: Field): Block[] {
  const blocks = withSignature(message, withCitations(message, readText(message.get('content'))))
  const refusal = message.get('refusal')
  if (refusal.maybeText()) blocks.push({ type: 'refusal', text: refusal.text(), at: refusal.path })
  const audio = message.get('audio')
  const value = audio.maybeObject()
  if (value) blocks.push({ type: 'foreign', protocol: PROTOCOL_ID, kind: 'audio', value, at: audio.path })
  return blocks
}

function readText(content: Field): Block[] {
  const isEmpty = !content.given || content.value === '' || (Array.isArray(content.value) && content.value.length === 0)
  return isEmpty ? [] : readContent(content, assistantParts)
}

function withCitations(message: Field, blocks: Block[]): Block[] {
  const [text] = blocks
  if (text?.type !== 'text' || blocks.length > 1) return blocks
  const citations = readCitations(message.get('annotations').value, text.text)
  return citations.length > 0 ? [{ ...text, citations }] : blocks
}

/** Adds Google's signature of a text, which may be empty, to the last text block. */
function withSignature(message: Field, blocks: Block[]): Block[] {
  const signature = readGoogleSignature(message.get('extra_content').value)
  if (!signature) return blocks
  const last = blocks.findLastIndex((block) => block.type === 'text')
  const text = (blocks[last] ?? { type: 'text', text: '', at: message.path }) as TextBlock
  return last < 0 ? [...blocks, { ...text, signature }] : blocks.with(last, { ...text, signature })
}

function readToolCalls(message: Field): Block[] {
  const calls: Block[] = message.get('tool_calls').maybeList().map(readToolCall)
  const functionCall = message.get('function_call')
  if (!functionCall.given) return calls
  const name = functionCall.get('name').text()
  const input = functionCall.get('arguments').maybeText() ?? ''
  // A function_call has no id. The path is unique in the request, and stays the same in later turns.
  const id = `call_${message.path.replace(/\D/g, '')}`
  return [...calls, { type: 'tool-call', id, name, input, at: functionCall.path }]
}
