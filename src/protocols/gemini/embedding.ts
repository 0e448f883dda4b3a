import { invalidAnswer } from '../../chat/upstream-error.js'
import { RelayError } from '../../errors.js'
import { latin1 } from '../../lib/json.js'
import { isObject, parseJson } from '../../lib/values.js'
import { toUnitLength } from '../../lib/vectors.js'
import { parseBody } from '../body.js'
import {
  type Embedding,
  type EmbeddingAnswer,
  type EmbeddingFacts,
  type EmbeddingRequest,
  type EmbeddingWriteOptions,
  embeddingFacts,
} from '../embedding.js'
import type { Field } from '../field.js'
import type { PathFacts, RequestFacts } from '../request-facts.js'
import { readUsage } from './answer/usage.js'
import { getField } from './field-names.js'
import { modelOf, resourceOf } from './paths.js'

/** Embeddings by `embedContent`, or by `batchEmbedContents` for several inputs. */
export const embedding: Embedding = {
  maxInputs: 100,
  pathFor: (model, isSingle) => `/v1beta/${resourceOf(model)}:${isSingle ? 'embedContent' : 'batchEmbedContents'}`,
  readFacts,
  readRequest,
  replaceModel,
  writeRequest,
  readAnswer,
  readAnswerFacts,
  writeAnswer,
}

/** Fields that no other protocol has. */
const NATIVE_FIELDS = ['taskType', 'title', 'embedContentConfig']

function readFacts(body: Buffer, { id }: PathFacts): RequestFacts {
  const root = parseBody(latin1(body))
  if (root.has('requests')) root.get('requests').nonEmptyList()
  else root.get('content').object()
  const model = modelOf(id)
  if (model === '') throw new RelayError('missing_parameter', 'The path names no model.', { param: 'model' })
  return embeddingFacts({ model, modelSpan: undefined })
}

function readRequest(body: Buffer): EmbeddingRequest {
  const root = parseBody(body.toString())
  const isSingle = !root.has('requests')
  const requests = isSingle ? [root] : root.get('requests').list()
  const [first = root] = requests
  return {
    inputs: requests.map((request) => textOf(request.get('content'))),
    isSingle,
    dimensions: getField(first, 'outputDimensionality').maybeInteger(),
    encoding: 'float',
    nativeFields: NATIVE_FIELDS.filter((name) => requests.some((request) => getField(request, name).given)),
  }
}

/** Joins the texts of a content by line breaks. */
function textOf(content: Field): string {
  const parts = typeof content.value === 'string' ? [] : content.get('parts').list()
  const text =
    typeof content.value === 'string' ? content.value : parts.map((part) => part.get('text').text()).join('\n')
  return text === '' ? content.fail('must not be empty') : text
}

/** Replaces the model in the body: in the request, or in each request of a batch. */
function replaceModel(body: Buffer, model: string): Buffer {
  const root = parseBody(body.toString())
  const resource = decodeURIComponent(resourceOf(model))
  const named = (request: Field): object => ({ ...request.object(), model: resource })
  const renamed = root.has('requests')
    ? { ...root.object(), requests: root.get('requests').list().map(named) }
    : named(root)
  return Buffer.from(JSON.stringify(renamed))
}

function writeRequest(request: EmbeddingRequest, { model, losses, offset }: EmbeddingWriteOptions): string {
  for (const name of request.nativeFields) losses.noEquivalent(name)
  const resource = decodeURIComponent(resourceOf(model))
  const requests = request.inputs.map((input, index) => ({
    model: resource,
    content: { parts: [{ text: requireText(input, offset + index) }] },
    ...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
  }))
  return JSON.stringify(request.isSingle ? requests[0] : { requests })
}

function requireText(input: EmbeddingRequest['inputs'][number], index: number): string {
  if (typeof input === 'string') return input
  const param = `input[${index}]`
  throw new RelayError('invalid_request', `${param}: this model takes text, not token ids. Send text.`, { param })
}

function readAnswer(body: Buffer): EmbeddingAnswer | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return undefined
  const vectors: (readonly number[])[] = []
  for (const item of vectorsIn(answer)) {
    const values: unknown = isObject(item) ? item.values : undefined
    if (!Array.isArray(values) || !values.every((value) => typeof value === 'number')) return undefined
    // Google does not normalize shortened vectors. All other providers do.
    vectors.push(toUnitLength(values))
  }
  return { vectors, usage: readUsage(answer.usageMetadata) }
}

/** The vectors of an answer to one input or a batch, unread. */
function vectorsIn({ embedding: only, embeddings }: Readonly<Record<string, unknown>>): readonly unknown[] {
  if (Array.isArray(embeddings)) return embeddings
  return only ? [only] : []
}

function readAnswerFacts(body: Buffer): EmbeddingFacts {
  const answer = parseJson(latin1(body))
  const vectors = isObject(answer) ? vectorsIn(answer).length : 0
  if (!isObject(answer) || vectors === 0) return { upstreamError: invalidAnswer('an answer without vectors') }
  return { usage: readUsage(answer.usageMetadata), encoding: 'float', vectors }
}

function writeAnswer({ vectors, usage }: EmbeddingAnswer, { isSingle }: EmbeddingRequest): string {
  const embeddings = vectors.map((values) => ({ values }))
  const metadata = usage ? { usageMetadata: { promptTokenCount: usage.input, totalTokenCount: usage.input } } : {}
  return JSON.stringify(isSingle ? { embedding: embeddings[0], ...metadata } : { embeddings, ...metadata })
}
