import type { MediaBlock } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { AnswerContext } from '../protocol.js'
import { LANGUAGE } from './language.js'

/** The `audio` of an answer; none when it has no sound. */
export function readAudio(audio: unknown): MediaBlock[] {
  if (!isObject(audio) || typeof audio.data !== 'string' || audio.data === '') return []
  const { data, ...fields } = audio
  const source = { type: 'bytes', data: audio.data } as const
  return [{ type: 'media', kind: 'audio', source, native: { protocol: LANGUAGE, fields } }]
}

/** The same for clients, who need all of its fields. */
export function writeAudio({ source, native }: MediaBlock, { id, createdAt }: AnswerContext): object | undefined {
  if (source.type !== 'bytes') return undefined
  const own = native?.protocol === LANGUAGE ? native.fields : {}
  return { id: `audio_${id}`, expires_at: createdAt, transcript: '', ...own, data: source.data }
}

/** A streamed `audio`: its sound and its words grow, the rest stands. */
export class GrowingAudio {
  #fields: Record<string, unknown> = {}
  readonly #data: string[] = []
  #transcript = ''

  push({ data, transcript, ...fields }: Record<string, unknown>): void {
    this.#fields = { ...this.#fields, ...fields }
    if (typeof data === 'string') this.#data.push(data)
    if (typeof transcript === 'string') this.#transcript += transcript
  }

  /** All that has come. */
  get whole(): Record<string, unknown> {
    return { ...this.#fields, data: joinBase64(this.#data.join('')), transcript: this.#transcript }
  }
}

/** Pieces of base64 may each have been filled up. */
function joinBase64(text: string): string {
  return /=[^=]/.test(text) ? Buffer.concat(pieces(text)).toString('base64') : text
}

function pieces(text: string): Buffer[] {
  return (text.match(/[^=]+=*/g) ?? []).map((piece) => Buffer.from(piece, 'base64'))
}
