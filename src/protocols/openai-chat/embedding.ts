import { invalidAnswer } from '../../chat/upstream-error.js'
import { latin1 } from '../../lib/json.js'
import { objectOf, readMembers } from '../../lib/members.js'
import { isObject, parseJson } from '../../lib/values.js'
import { fromBase64, toBase64 } from '../../lib/vectors.js'
import { parseBody, readModel } from '../body.js'
import {
  type Embedding,
  type EmbeddingAnswer,
  type EmbeddingFacts,
  type EmbeddingInput,
  type EmbeddingRequest,
  type EmbeddingWriteOptions,
  embeddingFacts,
} from '../embedding.js'
import type { Field } from '../field.js'
import type { RequestFacts } from '../request-facts.js'
import { resultError } from '../result-errors.js'
import { readUsage } from './answer/usage.js'
import { findError } from './errors.js'

/** `POST /embeddings`. */
export const embedding: Embedding = {
  maxInputs: 2048,
  pathFor: () => '/embeddings',
  readFacts,
  readRequest,
  selectInputs,
  writeRequest,
  readAnswer,
  readAnswerFacts,
  writeAnswer,
}

const KNOWN_FIELDS = new Set(['model', 'input', 'dimensions', 'encoding_format'])
const ENCODINGS = ['float', 'base64'] as const

function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan } = readModel(root, text)
  checkInput(root.get('input'))
  root.get('dimensions').maybeInteger()
  if (root.get('encoding_format').given) root.get('encoding_format').oneOf(ENCODINGS)
  return embeddingFacts({ model, modelSpan })
}

function checkInput(input: Field): void {
  if (typeof input.value === 'string') {
    if (input.value === '') input.fail('must not be empty')
  } else if (Array.isArray(input.value)) input.nonEmptyList()
  else input.checkTextOrList()
  if (!input.given) input.text()
}

function readRequest(body: Buffer): EmbeddingRequest {
  const root = parseBody(body.toString())
  const input = root.get('input')
  const isList = Array.isArray(input.value)
  const isTokens = isList && typeof input.nonEmptyList()[0] === 'number'
  const encoding = root.get('encoding_format')
  return {
    inputs: isList && !isTokens ? input.list().map(readInput) : [readInput(input)],
    isSingle: !isList || isTokens,
    dimensions: root.get('dimensions').maybeInteger(),
    encoding: encoding.given ? encoding.oneOf(ENCODINGS) : 'float',
    nativeFields: Object.keys(root.object()).filter((name) => !KNOWN_FIELDS.has(name)),
  }
}

function readInput(input: Field): EmbeddingInput {
  if (Array.isArray(input.value)) return input.list().map((token) => token.number())
  return input.text() === '' ? input.fail('must not be empty') : input.text()
}

/** Keeps the bytes of all other fields. */
function selectInputs(body: Buffer, input: readonly EmbeddingInput[], model: string): Buffer {
  const otherFields = readMembers(body).filter(({ name }) => name !== 'model' && name !== 'input')
  return objectOf(body, otherFields, { model, input })
}

function writeRequest(
  { inputs, isSingle, dimensions, nativeFields }: EmbeddingRequest,
  { model, losses }: EmbeddingWriteOptions,
): string {
  for (const name of nativeFields) losses.noEquivalent(name)
  return JSON.stringify({ model, input: isSingle ? inputs[0] : inputs, dimensions, encoding_format: 'float' })
}

function readAnswer(body: Buffer): EmbeddingAnswer | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer) || !Array.isArray(answer.data)) return undefined
  const byIndex = new Map<unknown, readonly number[]>()
  for (const [position, item] of answer.data.entries()) {
    const vector = isObject(item) ? vectorOf(item.embedding) : undefined
    if (!isObject(item) || !vector) return undefined
    byIndex.set(typeof item.index === 'number' ? item.index : position, vector)
  }
  const vectors = answer.data.map((_item, position) => byIndex.get(position)).filter((vector) => vector !== undefined)
  // With a duplicate or missing index, some vector would belong to the wrong input.
  return vectors.length === answer.data.length ? { vectors, usage: readUsage(answer.usage) } : undefined
}

function vectorOf(value: unknown): readonly number[] | undefined {
  if (typeof value === 'string') return fromBase64(value)
  return Array.isArray(value) && value.every((each) => typeof each === 'number') ? value : undefined
}

function readAnswerFacts(body: Buffer): EmbeddingFacts {
  const answer = parseJson(latin1(body))
  if (!isObject(answer)) return { upstreamError: invalidAnswer('an answer that is not JSON') }
  const usage = readUsage(answer.usage)
  const { data } = answer
  if (answer.error || !Array.isArray(data) || data.length === 0 || resultError(answer)) {
    const decoded = parseJson(body.toString())
    const upstreamError = isObject(decoded) ? findError(decoded) : undefined
    return { usage, upstreamError: upstreamError ?? invalidAnswer('an answer without vectors') }
  }
  const [first]: readonly unknown[] = data
  const encoding = isObject(first) && typeof first.embedding === 'string' ? 'base64' : 'float'
  return { usage, encoding, vectors: data.length }
}

function writeAnswer({ vectors, usage }: EmbeddingAnswer, { encoding }: EmbeddingRequest, model: string): string {
  const input = usage?.input ?? 0
  const data = vectors.map((vector, index) => {
    const encoded = encoding === 'base64' ? toBase64(vector) : vector
    return { object: 'embedding', index, embedding: encoded }
  })
  return JSON.stringify({ object: 'list', data, model, usage: { prompt_tokens: input, total_tokens: input } })
}
