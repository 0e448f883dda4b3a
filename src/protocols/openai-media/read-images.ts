import { mimeOf, sourceOfUrl } from '../../chat/media.js'
import { isMultipart } from '../../lib/multipart.js'
import { parseBody } from '../body.js'
import { Field } from '../field.js'
import type { ImageInput, ImageRequest, ImageSize } from '../image-generation.js'
import { readForm } from './facts.js'

const MOST_IMAGES = 10
const FORMATS = ['url', 'b64_json'] as const

/** What shows on an image which part of it is meant. */
const MASKS = ['mask', 'markup']

/** What others have a word for, or need none. Who the end user is has no bearing on the answer. */
const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'prompt',
  'n',
  'size',
  'background',
  'output_format',
  'output_compression',
  'response_format',
  'stream',
  'user',
])

/** What is said by these values would be so without a word. */
const USUAL: Readonly<Record<string, readonly unknown[]>> = {
  quality: ['auto', 'standard'],
  moderation: ['auto'],
  input_fidelity: ['low'],
  partial_images: [0],
}

/** A caller's request for images, as JSON or as a form. `edits`: of images that are given. @throws {RelayError} that names the path of what is wrong */
export function readImageRequest(body: Buffer, edits: boolean): ImageRequest {
  const { root, images } = isMultipart(body) ? readParts(body) : readJson(body)
  const prompt = root.get('prompt')
  if (prompt.text() === '') prompt.fail('must not be empty')
  // Asked for as a text, it is told as missing.
  if (edits && images.length === 0) root.get('image').text()
  return {
    prompt: prompt.text(),
    images: edits ? images : [],
    mask: edits ? MASKS.find((name) => root.has(name)) : undefined,
    count: readCount(root.get('n')),
    size: readSize(root.get('size')),
    background: readBackground(root.get('background')),
    format: root.get('output_format').maybeText(),
    compression: root.get('output_compression').maybeNumber(),
    isLinked: root.has('response_format') && root.get('response_format').oneOf(FORMATS) === 'url',
    stream: root.get('stream').maybeBoolean() === true,
    nativeFields: ownNames(root, edits),
  }
}

interface Pieces {
  readonly root: Field
  readonly images: readonly ImageInput[]
}

function ownNames(root: Field, edits: boolean): string[] {
  const inputs = edits ? ['image', 'images', ...MASKS] : []
  const others = Object.keys(root.object()).filter((name) => !KNOWN.has(name) && !inputs.includes(name))
  return others.filter((name) => root.has(name) && !USUAL[name]?.includes(root.get(name).value))
}

function readCount(n: Field): number {
  const count = n.maybeInteger() ?? 1
  return count >= 1 && count <= MOST_IMAGES ? count : n.fail(`must be 1 to ${MOST_IMAGES}`)
}

function readSize(size: Field): ImageSize | undefined {
  const text = size.maybeText()?.toLowerCase() ?? 'auto'
  if (text === 'auto') return undefined
  const [, width, by, height] = /^([1-9]\d{0,4})([x:])([1-9]\d{0,4})$/.exec(text) ?? []
  if (by === undefined) return size.unknown('as 1024x1024')
  return { width: Number(width), height: Number(height), isRatio: by === ':' }
}

function readBackground(background: Field): ImageRequest['background'] {
  const word = background.given ? background.oneOf(['transparent', 'opaque', 'auto']) : 'auto'
  return word === 'auto' ? undefined : word
}

function readJson(body: Buffer): Pieces {
  const root = parseBody(body.toString())
  const given = root.get(root.has('images') ? 'images' : 'image')
  const images = Array.isArray(given.value) ? given.list() : given.given ? [given] : []
  return { root, images: images.map(readImage) }
}

/** An address, `data:` or other: plain, or as `{ image_url }`. */
function readImage(image: Field): ImageInput {
  if (image.has('file_id')) image.get('file_id').fail('a file that one provider keeps cannot be sent to another')
  const named = typeof image.value === 'string' ? image : image.get('image_url')
  const url = named.has('url') ? named.get('url') : named
  const text = url.text()
  const { path: at } = url
  const { source, mime } = sourceOfUrl(text)
  if (source.type === 'url' && !/^https?:\/\//i.test(text)) url.fail('is neither a data: URL nor an address')
  if (source.type === 'bytes' && !isImage(source.data.slice(0, 64), mime)) url.fail(NO_IMAGE)
  return { isRemote: source.type === 'url', block: () => ({ type: 'media', kind: 'image', mime, source, at }) }
}

const NO_IMAGE = 'is no image of a kind that is known'

/** By its first bytes, in Base64, else by its label. */
function isImage(head: string, mime: string | undefined): boolean {
  return /^image\//.test(mimeOf({ source: { type: 'bytes', data: head }, mime, name: undefined }) ?? '')
}

/** Stands for what is no text. */
const FILE = {}
const IMAGE = /^image(?:\[\d*\])?$/
/** Fields of a form are texts, and mean what JSON has other types for. */
const NUMBERS: ReadonlySet<string> = new Set(['n', 'output_compression', 'partial_images'])

function readParts(body: Buffer): Pieces {
  const fields: Record<string, unknown> = {}
  const root = new Field(fields)
  const images: ImageInput[] = []
  for (const part of readForm(body).parts) {
    const { name, isFile, start, end } = part
    const value = isFile ? FILE : textOrNumber(name, body.toString('utf8', start, end))
    const at = new Field(value, root, `image[${images.length}]`)
    if (!IMAGE.test(name)) fields[name] = value
    else images.push(isFile ? readFile(body.subarray(start, end), at) : readImage(at))
  }
  return { root, images }
}

function textOrNumber(name: string, text: string): unknown {
  if (name === 'stream') return text === 'true'
  return NUMBERS.has(name) && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** The file stays where it is in the form until it is wanted. */
function readFile(bytes: Buffer, file: Field): ImageInput {
  if (!isImage(bytes.toString('base64', 0, 48), undefined)) file.fail(NO_IMAGE)
  const { path: at } = file
  return {
    isRemote: false,
    block: () => ({ type: 'media', kind: 'image', source: { type: 'bytes', data: bytes.toString('base64') }, at }),
  }
}
