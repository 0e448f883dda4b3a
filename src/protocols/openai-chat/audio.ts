import type { MediaBlock } from '../../chat/blocks.js'
import { isObject } from '../../lib/values.js'
import type { Answering } from '../protocol.js'
import { LANGUAGE } from './language.js'

/** The `audio` of an answer; none when it has no sound. */
export function readAudio(audio: unknown): MediaBlock[] {
  if (!isObject(audio) || typeof audio.data !== 'string' || audio.data === '') return []
  const { data, ...fields } = audio
  const source = { type: 'bytes', data: audio.data } as const
  return [{ type: 'media', kind: 'audio', source, native: { protocol: LANGUAGE, fields } }]
}

/** The same for clients, who need all of its fields. */
export function writeAudio({ source, native }: MediaBlock, { id, createdAt }: Answering): object | undefined {
  if (source.type !== 'bytes') return undefined
  const own = native?.protocol === LANGUAGE ? native.fields : {}
  return { id: `audio_${id}`, expires_at: createdAt, transcript: '', ...own, data: source.data }
}

/** Joins the pieces of a streamed `audio`: its sound and its words grow, the rest stands. */
export function joinAudio(before: Record<string, unknown>, piece: Record<string, unknown>): Record<string, unknown> {
  const grown = (name: string): string => `${String(before[name] ?? '')}${String(piece[name] ?? '')}`
  return { ...before, ...piece, data: joinBase64(grown('data')), transcript: grown('transcript') }
}

/** Pieces of base64 may each have been filled up. */
function joinBase64(text: string): string {
  return /=[^=]/.test(text) ? Buffer.concat(pieces(text)).toString('base64') : text
}

function pieces(text: string): Buffer[] {
  return (text.match(/[^=]+=*/g) ?? []).map((piece) => Buffer.from(piece, 'base64'))
}
