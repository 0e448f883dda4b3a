import type { MediaBlock, MediaSource } from './blocks.js'

/** Reads a `data:` URL; its data is returned as Base64. Undefined for any other URL. */
export function readDataUrl(url: string): { mime: string | undefined; data: string } | undefined {
  if (url.slice(0, 5).toLowerCase() !== 'data:') return undefined
  const comma = url.indexOf(',')
  if (comma < 0) return undefined
  const [mime = '', ...parameters] = url.slice(5, comma).split(';')
  const content = url.slice(comma + 1)
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === 'base64')
  const data = isBase64 ? content.replace(/\s+/g, '') : Buffer.from(decode(content)).toString('base64')
  return { mime: mime.trim().toLowerCase() || undefined, data }
}

export function writeDataUrl(mime: string, data: string): string {
  return `data:${mime};base64,${data}`
}

/** The source of a URL: bytes for a `data:` URL. */
export function sourceOfUrl(url: string): { source: MediaSource; mime: string | undefined } {
  const embedded = readDataUrl(url)
  return embedded
    ? { source: { type: 'bytes', data: embedded.data }, mime: embedded.mime }
    : { source: { type: 'url', url }, mime: undefined }
}

/** First bytes by which a type is recognized, as Latin-1. */
const MAGIC: readonly (readonly [mime: string, begins: RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/gif', /^GIF8/],
  ['image/webp', /^RIFF.{4}WEBP/s],
  ['image/bmp', /^BM/],
  ['image/heic', /^.{4}ftyphei[cx]/s],
  ['image/avif', /^.{4}ftypavif/s],
  ['application/pdf', /^%PDF/],
  ['audio/wav', /^RIFF.{4}WAVE/s],
  ['audio/mpeg', /^ID3|^\xff[\xfb\xf3\xf2]/],
  ['audio/ogg', /^OggS/],
  ['audio/flac', /^fLaC/],
  ['video/mp4', /^.{4}ftyp(?:isom|mp4|avc|iso)/s],
  ['video/webm', /^.E\xdf\xa3/s],
]

const ALIASES = new Map([
  ['image/jpg', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/x-png', 'image/png'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/wave', 'audio/wav'],
])

/** The MIME type: recognized from the bytes, since providers compare them with the label; else the label by its usual name. */
export function mimeOf({ mime, source, name }: Pick<MediaBlock, 'mime' | 'source' | 'name'>): string | undefined {
  const sniffed = source.type === 'bytes' ? sniff(source.data) : undefined
  if (sniffed) return sniffed
  const label = mime?.split(';', 1)[0]?.trim().toLowerCase()
  if (label) return ALIASES.get(label) ?? label
  return byExtension(source.type === 'url' ? source.url : name)
}

function sniff(base64: string): string | undefined {
  const head = Buffer.from(base64.slice(0, 64), 'base64').toString('latin1')
  return MAGIC.find(([, begins]) => begins.test(head))?.[0]
}

const EXTENSIONS = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['json', 'application/json'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mpeg'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mov', 'video/quicktime'],
])

const EXTENSION = /\.(\w{2,5})$/

/** Extensions that differ from the subtype. */
const EXTENSION_OF = new Map([
  ['text/plain', 'txt'],
  ['text/markdown', 'md'],
])

/** The file's name, invented if it has none. Always has an extension, by which providers recognize the type. */
export function fileName(name: string | undefined, mime: string): string {
  const extension = EXTENSION_OF.get(mime) ?? mime.replace(/^.*\/(?:x-)?/, '')
  if (name === undefined || name === '') return `file.${extension}`
  return /\.\w+$/.test(name) ? name : `${name}.${extension}`
}

function byExtension(path: string | undefined): string | undefined {
  const [plain = ''] = (path ?? '').split(/[?#]/, 1)
  const [, extension] = EXTENSION.exec(plain) ?? EXTENSION.exec(path ?? '') ?? []
  return extension && EXTENSIONS.get(extension.toLowerCase())
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
