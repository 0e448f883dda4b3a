import { toFile } from 'openai'
import { answerJson, answerStream, type Script } from '../scripted-upstream.js'
import type { Clients } from './clients.js'

/** Every byte there is, also those that look like a boundary's beginning. */
export const FILE: Buffer = Buffer.concat([
  Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919 + (index >> 8)) % 256)),
  Buffer.from('\r\n--\r\n\r\n--'),
])

/** One upload as a client makes it, of any model. */
export interface Upload {
  readonly name: string
  readonly script: Script
  readonly ask: (clients: Clients, model: string) => Promise<unknown>
  readonly gives: unknown
  readonly url: string
  /** The name of the file's field. */
  readonly field: string
  /** The other fields. */
  readonly fields: Readonly<Record<string, string>>
}

const sound = () => toFile(FILE, 'a "strange" näme.mp3', { type: 'audio/mpeg' })
const picture = () => toFile(FILE, 'a.png', { type: 'image/png' })
const text = (type: string, words: string): Script => {
  return (_req, res) => void res.writeHead(200, { 'content-type': type }).end(words)
}

const VERBOSE = {
  task: 'transcribe',
  language: 'english',
  duration: 1.5,
  text: 'hello',
  segments: [{ id: 0, text: 'hello' }],
}
const SUBTITLES = '1\n00:00:00,000 --> 00:00:01,500\nhello\n'
const IMAGES = { created: 1, data: [{ b64_json: 'aGk=' }] }
const HEARD = [
  { type: 'transcript.text.delta', delta: 'hel' },
  { type: 'transcript.text.delta', delta: 'lo' },
  { type: 'transcript.text.done', text: 'hello' },
]

/** Every operation that takes a form. */
export const uploads: readonly Upload[] = [
  {
    name: 'a transcription',
    script: answerJson({ text: 'hello' }),
    ask: async ({ openai }, model) =>
      (await openai.audio.transcriptions.create({ model, file: await sound(), language: 'en' })).text,
    gives: 'hello',
    url: '/v1/audio/transcriptions',
    field: 'file',
    fields: { language: 'en' },
  },
  {
    name: 'a transcription as text',
    script: text('text/plain; charset=utf-8', 'hello\n'),
    ask: async ({ openai }, model) =>
      openai.audio.transcriptions.create({ model, file: await sound(), response_format: 'text' }),
    gives: 'hello\n',
    url: '/v1/audio/transcriptions',
    field: 'file',
    fields: { response_format: 'text' },
  },
  {
    name: 'a transcription as subtitles',
    script: text('text/plain; charset=utf-8', SUBTITLES),
    ask: async ({ openai }, model) =>
      openai.audio.transcriptions.create({ model, file: await sound(), response_format: 'srt' }),
    gives: SUBTITLES,
    url: '/v1/audio/transcriptions',
    field: 'file',
    fields: { response_format: 'srt' },
  },
  {
    name: 'a transcription with its segments',
    script: answerJson(VERBOSE),
    ask: async ({ openai }, model) =>
      openai.audio.transcriptions.create({
        model,
        file: await sound(),
        response_format: 'verbose_json',
        timestamp_granularities: ['segment'],
      }),
    gives: VERBOSE,
    url: '/v1/audio/transcriptions',
    field: 'file',
    fields: { response_format: 'verbose_json', 'timestamp_granularities[]': 'segment' },
  },
  {
    name: 'a transcription, streamed',
    script: answerStream(HEARD.map((event) => `data: ${JSON.stringify(event)}\n\n`)),
    ask: async ({ openai }, model) => {
      const events = []
      const asked = { model, file: await sound(), stream: true } as const
      for await (const event of await openai.audio.transcriptions.create(asked)) events.push(event)
      return events
    },
    gives: HEARD,
    url: '/v1/audio/transcriptions',
    field: 'file',
    fields: { stream: 'true' },
  },
  {
    name: 'a translation',
    script: answerJson({ text: 'hello' }),
    ask: async ({ openai }, model) =>
      (await openai.audio.translations.create({ model, file: await sound(), prompt: 'Grüße' })).text,
    gives: 'hello',
    url: '/v1/audio/translations',
    field: 'file',
    fields: { prompt: 'Grüße' },
  },
  {
    name: 'an edited image',
    script: answerJson(IMAGES),
    ask: async ({ openai }, model) =>
      (await openai.images.edit({ model, image: await picture(), mask: await picture(), prompt: 'more' })).data,
    gives: IMAGES.data,
    url: '/v1/images/edits',
    field: 'image',
    fields: { prompt: 'more' },
  },
  {
    name: 'a variation of an image',
    script: answerJson(IMAGES),
    ask: async ({ openai }, model) =>
      (await openai.images.createVariation({ model, image: await picture(), n: 1 })).data,
    gives: IMAGES.data,
    url: '/v1/images/variations',
    field: 'image',
    fields: { n: '1' },
  },
]
