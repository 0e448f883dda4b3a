import { mimeOf, sourceOfUrl } from '../../chat/media.js'
import { isMultipart } from '../../lib/multipart.js'
import { parseBody } from '../body.js'
import { Field } from '../field.js'
import type { ImageInput, ImageRequest, ImageSize } from '../image-generation.js'
import { readForm } from './request-facts.js'

const MAX_IMAGES = 10
const RESPONSE_FORMATS = ['url', 'b64_json'] as const

/** Fields with an image that marks the part to edit. */
const MASK_FIELDS = ['mask', 'markup']

/** Fields that other protocols have an equivalent for. `user` has no effect on the answer. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
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

/** Values of further fields that mean the same as leaving the field out. */
const DEFAULT_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  quality: ['auto', 'standard'],
  moderation: ['auto'],
  input_fidelity: ['low'],
  partial_images: [0],
}

/**
 * Reads a request for images, as JSON or as a form. `edits`: the endpoint edits given images.
 * @throws {RelayError} that names the path of an invalid value
 */
export function readImageRequest(body: Buffer, edits: boolean): ImageRequest {
  const { root, images } = isMultipart(body) ? readFormBody(body) : readJsonBody(body)
  const prompt = root.get('prompt')
  if (prompt.text() === '') prompt.fail('must not be empty')
  // Throws that the parameter `image` is missing.
  if (edits && images.length === 0) root.get('image').text()
  return {
    prompt: prompt.text(),
    images: edits ? images : [],
    mask: edits ? MASK_FIELDS.find((name) => root.has(name)) : undefined,
    count: readCount(root.get('n')),
    size: readSize(root.get('size')),
    background: readBackground(root.get('background')),
    format: root.get('output_format').maybeText(),
    compression: root.get('output_compression').maybeNumber(),
    wantsUrls: root.has('response_format') && root.get('response_format').oneOf(RESPONSE_FORMATS) === 'url',
    stream: root.get('stream').maybeBoolean() === true,
    nativeFields: nativeFieldNames(root, edits),
  }
}

interface ImageRequestBody {
  readonly root: Field
  readonly images: readonly ImageInput[]
}

function nativeFieldNames(root: Field, edits: boolean): string[] {
  const inputs = edits ? ['image', 'images', ...MASK_FIELDS] : []
  const others = Object.keys(root.object()).filter((name) => !KNOWN_FIELDS.has(name) && !inputs.includes(name))
  return others.filter((name) => root.has(name) && !DEFAULT_VALUES[name]?.includes(root.get(name).value))
}

function readCount(n: Field): number {
  const count = n.maybeInteger() ?? 1
  return count >= 1 && count <= MAX_IMAGES ? count : n.fail(`must be 1 to ${MAX_IMAGES}`)
}

function readSize(size: Field): ImageSize | undefined {
  const text = size.maybeText()?.toLowerCase() ?? 'auto'
  if (text === 'auto') return undefined
  const [, width, separator, height] = /^([1-9]\d{0,4})([x:])([1-9]\d{0,4})$/.exec(text) ?? []
  if (separator === undefined) return size.failUnknown('a size such as 1024x1024')
  return { width: Number(width), height: Number(height), isRatio: separator === ':' }
}

function readBackground(field: Field): ImageRequest['background'] {
  const background = field.given ? field.oneOf(['transparent', 'opaque', 'auto']) : 'auto'
  return background === 'auto' ? undefined : background
}

function readJsonBody(body: Buffer): ImageRequestBody {
  const root = parseBody(body.toString())
  const field = root.get(root.has('images') ? 'images' : 'image')
  const images = Array.isArray(field.value) ? field.list() : field.given ? [field] : []
  return { root, images: images.map(readImageUrl) }
}

/** A URL, also a `data:` URL: as a string, or as `{ image_url }`. */
function readImageUrl(image: Field): ImageInput {
  if (image.has('file_id')) image.get('file_id').fail('a file stored at one provider cannot be sent to another')
  const field = typeof image.value === 'string' ? image : image.get('image_url')
  const url = field.has('url') ? field.get('url') : field
  const text = url.text()
  const { path: at } = url
  const { source, mime } = sourceOfUrl(text)
  if (source.type === 'url' && !/^https?:\/\//i.test(text)) url.fail('is neither a data: URL nor an http(s) URL')
  if (source.type === 'bytes' && !isImage(source.data.slice(0, 64), mime)) url.fail(NOT_AN_IMAGE)
  return { isRemote: source.type === 'url', block: () => ({ type: 'media', kind: 'image', mime, source, at }) }
}

const NOT_AN_IMAGE = 'is not an image of a known format'

/** Whether the first bytes are those of an image, or, where they are unknown, whether the MIME type is. `head`: Base64. */
function isImage(head: string, mime: string | undefined): boolean {
  return /^image\//.test(mimeOf({ source: { type: 'bytes', data: head }, mime, name: undefined }) ?? '')
}

/** The value of a field that is a file. */
const FILE = {}
const IMAGE_FIELD = /^image(?:\[\d*\])?$/
/** Numbers, which a form holds as text. */
const NUMBER_FIELDS: ReadonlySet<string> = new Set(['n', 'output_compression', 'partial_images'])

function readFormBody(body: Buffer): ImageRequestBody {
  const fields: Record<string, unknown> = {}
  const root = new Field(fields)
  const images: ImageInput[] = []
  for (const part of readForm(body).parts) {
    const { name, isFile, start, end } = part
    const value = isFile ? FILE : fieldValue(name, body.toString('utf8', start, end))
    const field = new Field(value, root, `image[${images.length}]`)
    if (!IMAGE_FIELD.test(name)) fields[name] = value
    else images.push(isFile ? readImageFile(body.subarray(start, end), field) : readImageUrl(field))
  }
  return { root, images }
}

/** The value that JSON would have in place of the form's text. */
function fieldValue(name: string, text: string): unknown {
  if (name === 'stream') return text === 'true'
  return NUMBER_FIELDS.has(name) && text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

/** The bytes are encoded only when the block is needed. */
function readImageFile(bytes: Buffer, file: Field): ImageInput {
  if (!isImage(bytes.toString('base64', 0, 48), undefined)) file.fail(NOT_AN_IMAGE)
  const { path: at } = file
  return {
    isRemote: false,
    block: () => ({ type: 'media', kind: 'image', source: { type: 'bytes', data: bytes.toString('base64') }, at }),
  }
}
