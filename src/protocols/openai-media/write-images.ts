import { writeDataUrl } from '../../chat/media.js'
import { NO_USAGE, type Usage } from '../../chat/usage.js'
import type { GeneratedImage, ImageAnswer, ImageRequest } from '../image-generation.js'

/** Writes an answer of `POST /images/…`: as JSON, or as the last events of a stream. `createdAt`: epoch seconds. */
export function writeImages(answer: ImageAnswer, request: ImageRequest, createdAt: number): string {
  return request.stream ? writeEvents(answer, request, createdAt) : writeWhole(answer, request, createdAt)
}

function writeWhole({ images, usage }: ImageAnswer, { wantsUrls }: ImageRequest, created: number): string {
  const data = images.map(({ mime, data, prompt }) => ({
    ...(wantsUrls ? { url: writeDataUrl(mime, data) } : { b64_json: data }),
    ...(prompt === undefined ? {} : { revised_prompt: prompt }),
  }))
  return JSON.stringify({
    created,
    output_format: formatOf(images[0]),
    data,
    usage: usage && writeUsage(usage),
  })
}

/** One event per image. Only the last has the usage, which covers all images, so that the sum is right. */
function writeEvents({ images, usage = NO_USAGE }: ImageAnswer, request: ImageRequest, createdAt: number): string {
  const type = request.images.length > 0 ? 'image_edit.completed' : 'image_generation.completed'
  const events = images.map((image, index) => {
    const event = {
      type,
      b64_json: image.data,
      background: 'auto',
      created_at: createdAt,
      output_format: formatOf(image) ?? 'png',
      quality: 'auto',
      size: 'auto',
      usage: writeUsage(index === images.length - 1 ? usage : NO_USAGE),
    }
    return `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`
  })
  return events.join('')
}

function formatOf(image: GeneratedImage | undefined): string | undefined {
  return image?.mime.replace(/^image\//, '')
}

function writeUsage({ input, output, imageInput = 0, imageOutput }: Usage): object {
  return {
    input_tokens: input,
    input_tokens_details: { image_tokens: imageInput, text_tokens: Math.max(0, input - imageInput) },
    output_tokens: output,
    ...(imageOutput === undefined
      ? {}
      : {
          output_tokens_details: { image_tokens: imageOutput, text_tokens: Math.max(0, output - imageOutput) },
        }),
    total_tokens: input + output,
  }
}
