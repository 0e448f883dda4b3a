import type { MediaBlock } from '../../../chat/blocks.js'
import { isObject } from '../../../lib/values.js'
import type { AnswerContext } from '../../protocol.js'
import { PROTOCOL_ID } from '../traits.js'

/** Reads the `audio` of an answer. Empty without data. */
export function readAudio(audio: unknown): MediaBlock[] {
  if (!isObject(audio) || typeof audio.data !== 'string' || audio.data === '') return []
  const { data, ...fields } = audio
  const source = { type: 'bytes', data: audio.data } as const
  return [{ type: 'media', kind: 'audio', source, native: { protocol: PROTOCOL_ID, fields } }]
}

/** Writes `audio` with all fields that clients require. Undefined for audio without bytes. */
export function writeAudio({ source, native }: MediaBlock, { id, createdAt }: AnswerContext): object | undefined {
  if (source.type !== 'bytes') return undefined
  const fields = native?.protocol === PROTOCOL_ID ? native.fields : {}
  return { id: `audio_${id}`, expires_at: createdAt, transcript: '', ...fields, data: source.data }
}

/** Joins the `audio` of a stream's deltas: data and transcript grow, other fields are replaced. */
export class AudioCollector {
  #fields: Record<string, unknown> = {}
  readonly #data: string[] = []
  #transcript = ''

  push({ data, transcript, ...fields }: Record<string, unknown>): void {
    this.#fields = { ...this.#fields, ...fields }
    if (typeof data === 'string') this.#data.push(data)
    if (typeof transcript === 'string') this.#transcript += transcript
  }

  /** The audio so far, as in a whole answer. */
  get audio(): Record<string, unknown> {
    return { ...this.#fields, data: joinBase64(this.#data.join('')), transcript: this.#transcript }
  }
}

/** Decodes each run of Base64 before joining them, because each may end in padding. */
function joinBase64(text: string): string {
  return /=[^=]/.test(text) ? Buffer.concat(decodePieces(text)).toString('base64') : text
}

function decodePieces(text: string): Buffer[] {
  return (text.match(/[^=]+=*/g) ?? []).map((run) => Buffer.from(run, 'base64'))
}
