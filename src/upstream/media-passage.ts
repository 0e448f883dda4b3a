import type { Call, Channel } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { contentTypeOf, fieldBefore, isMultipart } from '../lib/multipart.js'
import { cut, type Pieces } from '../lib/pieces.js'
import { type Span, splice } from '../lib/splice.js'
import { openaiMedia } from '../protocols/openai-media/index.js'
import { Flow } from './flow.js'
import type { Answering, Preamble } from './intake.js'
import type { Outflow } from './outlet.js'
import { type AnswerKind, type Delivered, headersFor, type OpenPassage, type Passage } from './passage.js'
import { NO_PREAMBLE, RawFlow } from './raw.js'
import type { TranslatedFlow } from './translated-flow.js'

const NONE: readonly Loss[] = []

/** The passage of what is passed on as it is to a path, but for the model's name. `isRaw`: the answer is neither JSON nor text. */
export function openMedia(path: string, isRaw: boolean): OpenPassage {
  return (call, channel) => new MediaPassage(call, channel, { path, isRaw })
}

class MediaPassage implements Passage {
  readonly protocol: typeof openaiMedia = openaiMedia
  readonly losses: readonly Loss[] = NONE
  readonly path: string
  readonly body: Pieces
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
    const headers = headersFor(this.#call.protocol, this.#call, this.#channel)
    const { form, body } = this.#call
    const sent = form ?? body
    if (!isMultipart(sent)) return headers
    const type = contentTypeOf(sent)
    return headers.map((value, at) => (headers[at - 1] === 'content-type' && at % 2 === 1 ? type : value))
  }

  /** Some models answer whole to those who want a stream: what comes says what it is. */
  kindOf(contentType: string): AnswerKind {
    if (contentType.includes('event-stream')) return 'stream'
    return this.#isRaw && !contentType.includes('json') ? 'raw' : 'whole'
  }

  contentType(upstreams: string): string {
    return upstreams
  }

  open(exchange: Answering, preamble: Preamble): Outflow {
    if (preamble === NO_PREAMBLE) return new RawFlow(exchange)
    return new Flow(exchange, { preamble, frames: undefined, metering: undefined })
  }

  openTranslated(_exchange: Answering): TranslatedFlow {
    throw new TypeError('what is passed on is not told anew')
  }

  deliver(body: Buffer): Delivered {
    return { ...openaiMedia.readAnswerFacts(body), bytes: body }
  }
}

/** The same body for another model's name. */
function bodyFor({ facts, form, body }: Call, model: string): Pieces {
  const sent = form ?? body
  if (model === facts.model) return sent
  if (isMultipart(sent)) return formFor(sent, facts.modelAt, model)
  if (facts.modelAt) return splice(body, facts.modelAt, model)
  const rest = body.subarray(body.indexOf('{') + 1)
  const comma = /^\s*\}/.test(rest.toString('latin1', 0, 64)) ? '' : ','
  return Buffer.concat([Buffer.from(`{"model":${JSON.stringify(model)}${comma}`), rest])
}

/** In pieces, since it can be large. */
function formFor(form: Pieces, modelAt: Span | undefined, model: string): Pieces {
  if (!modelAt) return [fieldBefore(form, 'model', model), ...cut(form, 0)]
  return [...cut(form, 0, modelAt.start), Buffer.from(model), ...cut(form, modelAt.end)]
}
