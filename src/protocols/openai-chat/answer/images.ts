import type { Block, MediaBlock } from '../../../chat/blocks.js'
import { mimeOf, sourceOfUrl, writeDataUrl } from '../../../chat/media.js'
import { isObject } from '../../../lib/values.js'

/** Reads OpenRouter's field `images`: images that a model generated. */
export function readImages({ images }: Record<string, unknown>): MediaBlock[] {
  const list: unknown[] = Array.isArray(images) ? images : []
  return list.flatMap((image) => {
    const source = isObject(image) ? (image.image_url ?? image) : undefined
    return readImageUrl(isObject(source) ? source.url : source)
  })
}

function readImageUrl(url: unknown): MediaBlock[] {
  if (typeof url !== 'string' || url === '') return []
  const { source, mime } = sourceOfUrl(url)
  return [{ type: 'media', kind: mediaKind(mime, 'image'), mime, source }]
}

/** The kind of a media type. `kind`: the kind that the name of the part says, which a data URL may contradict. */
export function mediaKind(mime: string | undefined, kind: MediaBlock['kind']): MediaBlock['kind'] {
  const [, family] = /^(image|audio|video)\//.exec(mime ?? '') ?? []
  if (family) return family as MediaBlock['kind']
  return mime?.startsWith('application/pdf') || mime?.startsWith('text/') ? 'file' : kind
}

/** Writes an image in OpenRouter's format. Undefined for any other block. */
export function writeImage(block: Block): object | undefined {
  const url = block.type === 'media' && block.kind === 'image' ? imageUrl(block) : undefined
  return url === undefined ? undefined : { type: 'image_url', image_url: { url } }
}

/** The URL of an image, or a `data:` URL with its bytes. */
export function imageUrl(block: MediaBlock): string | undefined {
  const { source } = block
  if (source.type === 'url') return source.url
  return source.type === 'bytes' ? writeDataUrl(mimeOf(block) ?? 'image/png', source.data) : undefined
}
