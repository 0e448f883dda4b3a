import type { Call } from '../../call.js'
import type { Loss } from '../../chat/losses.js'
import { type ByteChunks, sliceChunks } from '../../lib/byte-chunks.js'
import { contentTypeOf, isMultipart, writeFirstField } from '../../lib/multipart.js'
import { type Span, splice } from '../../lib/splice.js'
import { openaiMedia } from '../../protocols/openai-media/index.js'
import type { Channel } from '../../targets.js'
import type { AttemptEvents, ClientStream, StreamPrelude } from '../attempt/attempt-events.js'
import { PassthroughStream } from '../stream/passthrough-stream.js'
import { NO_PRELUDE, RawStream } from '../stream/raw-stream.js'
import type { TranslatedStream } from '../stream/translated-stream.js'
import {
  type AnswerKind,
  type CreateTranscoder,
  type DeliveredAnswer,
  requestHeaders,
  type Transcoder,
} from './transcoder.js'

const NONE: readonly Loss[] = []

/** Transcodes requests that go to a path unchanged, except for the model's name. `isRaw`: the answer is neither JSON nor text. */
export function createMediaTranscoder(path: string, isRaw: boolean): CreateTranscoder {
  return (call, channel) => new MediaTranscoder(call, channel, { path, isRaw })
}

class MediaTranscoder implements Transcoder {
  readonly protocol: typeof openaiMedia = openaiMedia
  readonly losses: readonly Loss[] = NONE
  readonly path: string
  readonly body: ByteChunks
  readonly #call: Call
  readonly #channel: Channel
  readonly #isRaw: boolean

  constructor(call: Call, channel: Channel, { path, isRaw }: { readonly path: string; readonly isRaw: boolean }) {
    this.#call = call
    this.#channel = channel
    this.#isRaw = isRaw
    this.path = `/${path}`
    this.body = bodyFor(call, channel.target.model)
  }

  get headers(): readonly string[] {
    const headers = requestHeaders(this.#call.protocol, this.#call, this.#channel)
    const { form, body } = this.#call
    const sent = form ?? body
    if (!isMultipart(sent)) return headers
    const type = contentTypeOf(sent)
    return headers.map((value, at) => (headers[at - 1] === 'content-type' && at % 2 === 1 ? type : value))
  }

  /** Some models answer whole although the client wants a stream, so the content type decides. */
  kindOf(contentType: string): AnswerKind {
    if (contentType.includes('event-stream')) return 'stream'
    return this.#isRaw && !contentType.includes('json') ? 'raw' : 'whole'
  }

  contentType(upstreamContentType: string): string {
    return upstreamContentType
  }

  createStream(attempt: AttemptEvents, prelude: StreamPrelude): ClientStream {
    if (prelude === NO_PRELUDE) return new RawStream(attempt)
    return new PassthroughStream(attempt, { prelude: prelude, frames: undefined, injectedUsage: undefined })
  }

  createTranslatedStream(_attempt: AttemptEvents): TranslatedStream {
    throw new TypeError('media answers are never translated')
  }

  deliver(body: Buffer): DeliveredAnswer {
    return { ...openaiMedia.readAnswerFacts(body), bytes: body }
  }
}

/** The body with the target's name for the model. */
function bodyFor({ facts, form, body }: Call, model: string): ByteChunks {
  const sent = form ?? body
  if (model === facts.model) return sent
  if (isMultipart(sent)) return formFor(sent, facts.modelSpan, model)
  if (facts.modelSpan) return splice(body, facts.modelSpan, model)
  const rest = body.subarray(body.indexOf('{') + 1)
  const comma = /^\s*\}/.test(rest.toString('latin1', 0, 64)) ? '' : ','
  return Buffer.concat([Buffer.from(`{"model":${JSON.stringify(model)}${comma}`), rest])
}

/** In chunks, since a form can be large. */
function formFor(form: ByteChunks, modelAt: Span | undefined, model: string): ByteChunks {
  if (!modelAt) return [writeFirstField(form, 'model', model), ...sliceChunks(form, 0)]
  return [...sliceChunks(form, 0, modelAt.start), Buffer.from(model), ...sliceChunks(form, modelAt.end)]
}
