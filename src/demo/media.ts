import { createHash } from 'node:crypto'
import { isObject, parseJson } from '../lib/values.js'
import { toBase64, toUnitLength } from '../lib/vectors.js'

/** What the demo answers with: a value as JSON, or bytes of some type. */
export type DemoAnswer = { readonly value: object } | { readonly type: string; readonly bytes: Buffer }

/** What is not a conversation, by the end of its path. */
const MEDIA: readonly (readonly [path: RegExp, answer: (body: Buffer) => DemoAnswer])[] = [
  [/\/embeddings$/, embed],
  [/\/images\/(?:generations|edits|variations)$/, draw],
  [
    /\/audio\/(?:transcriptions|translations)$/,
    () => ({ value: { text: 'Hello from the demo.', usage: tokens(12, 6) } }),
  ],
  [/\/audio\/speech$/, () => ({ type: 'audio/wav', bytes: TONE })],
  [
    /\/moderations$/,
    () => ({ value: { id: 'modr-demo', model: 'demo', results: [{ flagged: false, categories: {} }] } }),
  ],
  [/\/rerank$/, rank],
]

/** The answer at a path; undefined where a conversation is to be had, or nothing. */
export function mediaAt(path: string): ((body: Buffer) => DemoAnswer) | undefined {
  return MEDIA.find(([fits]) => fits.test(path))?.[1]
}

const DIMENSIONS = 8

function embed(body: Buffer): DemoAnswer {
  const { input, dimensions, encoding_format: encoding } = fieldsOf(body)
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]
  const length = typeof dimensions === 'number' ? dimensions : DIMENSIONS
  const data = inputs.map((one, index) => {
    const vector = vectorOf(JSON.stringify(one), length)
    return { object: 'embedding', index, embedding: encoding === 'base64' ? toBase64(vector) : vector }
  })
  const read = Math.ceil(JSON.stringify(inputs).length / 4)
  return { value: { object: 'list', data, model: 'demo', usage: { prompt_tokens: read, total_tokens: read } } }
}

/** The same text has the same direction. */
function vectorOf(text: string, length: number): readonly number[] {
  const digest = createHash('sha256').update(text).digest()
  return toUnitLength(Array.from({ length }, (_, index) => (digest[index % digest.length] ?? 0) / 127.5 - 1))
}

/** A picture of one red dot. */
const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

function draw(body: Buffer): DemoAnswer {
  const { n } = fieldsOf(body)
  const count = typeof n === 'number' && n >= 1 ? Math.min(n, 10) : 1
  const data = Array.from({ length: count }, () => ({ b64_json: DOT }))
  return { value: { created: Math.floor(Date.now() / 1000), data, usage: tokens(8, 64 * count) } }
}

function rank(body: Buffer): DemoAnswer {
  const { documents } = fieldsOf(body)
  const count = Array.isArray(documents) ? documents.length : 0
  return {
    value: { results: Array.from({ length: count }, (_, index) => ({ index, relevance_score: 1 / (index + 1) })) },
  }
}

function tokens(read: number, written: number): object {
  return { type: 'tokens', input_tokens: read, output_tokens: written, total_tokens: read + written }
}

function fieldsOf(body: Buffer): Readonly<Record<string, unknown>> {
  const value = parseJson(body.toString())
  return isObject(value) ? value : {}
}

const TONE = tone()

/** A fifth of a second of the concert pitch: 16-bit samples at 8 kHz, in a WAV file. */
function tone(): Buffer {
  const [rate, hertz, samples] = [8000, 440, 1600]
  const head = Buffer.from('RIFF....WAVEfmt ....................data....', 'latin1')
  head.writeUInt32LE(36 + 2 * samples, 4)
  head.writeUInt32LE(16, 16)
  head.writeUInt16LE(1, 20)
  head.writeUInt16LE(1, 22)
  head.writeUInt32LE(rate, 24)
  head.writeUInt32LE(2 * rate, 28)
  head.writeUInt16LE(2, 32)
  head.writeUInt16LE(16, 34)
  head.writeUInt32LE(2 * samples, 40)
  const sound = Buffer.alloc(2 * samples)
  for (let at = 0; at < samples; at++)
    sound.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hertz * at) / rate)), 2 * at)
  return Buffer.concat([head, sound])
}
