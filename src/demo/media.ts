import { createHash } from 'node:crypto'
import { isObject, parseJson } from '../lib/values.js'
import { toBase64, toUnitLength } from '../lib/vectors.js'

/** A JSON value, or bytes with their content type. */
export type MediaAnswer = { readonly value: object } | { readonly type: string; readonly bytes: Buffer }

/** Endpoints that are no conversations, by the end of their paths. */
const MEDIA_ENDPOINTS: readonly (readonly [path: RegExp, answer: (body: Buffer) => MediaAnswer])[] = [
  [/\/embeddings$/, createEmbeddings],
  [/\/images\/(?:generations|edits|variations)$/, createImages],
  [
    /\/audio\/(?:transcriptions|translations)$/,
    () => ({ value: { text: 'Hello from the demo.', usage: tokens(12, 6) } }),
  ],
  [/\/audio\/speech$/, () => ({ type: 'audio/wav', bytes: TONE_WAV })],
  [
    /\/moderations$/,
    () => ({ value: { id: 'modr-demo', model: 'demo', results: [{ flagged: false, categories: {} }] } }),
  ],
  [/\/rerank$/, rerank],
]

/** Finds the endpoint at a path. */
export function findMediaEndpoint(path: string): ((body: Buffer) => MediaAnswer) | undefined {
  return MEDIA_ENDPOINTS.find(([pattern]) => pattern.test(path))?.[1]
}

const DEFAULT_DIMENSIONS = 8

function createEmbeddings(body: Buffer): MediaAnswer {
  const { input, dimensions, encoding_format: encoding } = fieldsOf(body)
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]
  const length = typeof dimensions === 'number' ? dimensions : DEFAULT_DIMENSIONS
  const data = inputs.map((one, index) => {
    const vector = vectorOf(JSON.stringify(one), length)
    return { object: 'embedding', index, embedding: encoding === 'base64' ? toBase64(vector) : vector }
  })
  const inputTokens = Math.ceil(JSON.stringify(inputs).length / 4)
  return {
    value: { object: 'list', data, model: 'demo', usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } },
  }
}

/** The same text always has the same vector. */
function vectorOf(text: string, length: number): readonly number[] {
  const digest = createHash('sha256').update(text).digest()
  return toUnitLength(Array.from({ length }, (_, index) => (digest[index % digest.length] ?? 0) / 127.5 - 1))
}

/** A PNG with one red pixel. */
const RED_DOT_PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='

function createImages(body: Buffer): MediaAnswer {
  const { n } = fieldsOf(body)
  const count = typeof n === 'number' && n >= 1 ? Math.min(n, 10) : 1
  const data = Array.from({ length: count }, () => ({ b64_json: RED_DOT_PNG }))
  return { value: { created: Math.floor(Date.now() / 1000), data, usage: tokens(8, 64 * count) } }
}

function rerank(body: Buffer): MediaAnswer {
  const { documents } = fieldsOf(body)
  const count = Array.isArray(documents) ? documents.length : 0
  return {
    value: { results: Array.from({ length: count }, (_, index) => ({ index, relevance_score: 1 / (index + 1) })) },
  }
}

function tokens(input: number, output: number): object {
  return { type: 'tokens', input_tokens: input, output_tokens: output, total_tokens: input + output }
}

function fieldsOf(body: Buffer): Readonly<Record<string, unknown>> {
  const value = parseJson(body.toString())
  return isObject(value) ? value : {}
}

const TONE_WAV = createTone()

/** A WAV file with a fifth of a second of a 440 Hz tone: 16-bit samples at 8 kHz. */
function createTone(): Buffer {
  const [rate, hertz, samples] = [8000, 440, 1600]
  const header = Buffer.from('RIFF....WAVEfmt ....................data....', 'latin1')
  header.writeUInt32LE(36 + 2 * samples, 4)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(2 * rate, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.writeUInt32LE(2 * samples, 40)
  const sound = Buffer.alloc(2 * samples)
  for (let index = 0; index < samples; index++)
    sound.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * hertz * index) / rate)), 2 * index)
  return Buffer.concat([header, sound])
}
