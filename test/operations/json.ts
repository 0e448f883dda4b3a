import { toBase64 } from '../../src/lib/vectors.js'
import { answerJson, answerStream, type Script } from '../scripted-upstream.js'
import type { OperationCase } from './operation-case.js'

/** Numbers that 32 bits hold exactly. */
const VECTOR = [0.5, -0.25, 0.75]

/** Answers with one vector per input, in the requested encoding. */
const vectors: Script = (req, res, seen) => {
  const { input, encoding_format: spelling } = JSON.parse(seen.body) as { input: unknown; encoding_format?: string }
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? input : [input]
  const embedding = spelling === 'base64' ? toBase64(VECTOR) : VECTOR
  const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }))
  const usage = { prompt_tokens: 4, total_tokens: 4 }
  return answerJson({ object: 'list', data, model: 'real-model', usage })(req, res, seen)
}

const IMAGES = { created: 1, data: [{ b64_json: 'aGk=' }, { b64_json: 'aG8=' }] }
const DRAWING = [
  { type: 'image_generation.partial_image', b64_json: 'aA==', partial_image_index: 0 },
  {
    type: 'image_generation.completed',
    b64_json: 'aGk=',
    usage: { input_tokens: 1, output_tokens: 2, total_tokens: 3 },
  },
]
const FLAGGED = { id: 'modr-1', model: 'real-model', results: [{ flagged: true, categories: { violence: true } }] }
const RANKED = { id: 'r', results: [{ index: 1, relevance_score: 0.9 }], meta: { billed_units: { search_units: 1 } } }

/** Operations with a JSON body, except conversations. */
export const json: readonly OperationCase[] = [
  {
    name: 'embeddings of texts, as numbers',
    script: vectors,
    ask: async ({ openai }) => {
      const { data, usage } = await openai.embeddings.create({
        model: 'm',
        input: ['one', 'two'],
        encoding_format: 'float',
        dimensions: 3,
      })
      return [data.map(({ embedding }) => embedding), usage.prompt_tokens]
    },
    result: [[VECTOR, VECTOR], 4],
    url: '/v1/embeddings',
    sentFields: { model: 'real-model', input: ['one', 'two'], encoding_format: 'float', dimensions: 3 },
  },
  {
    name: 'embeddings, as the bytes that are OpenAI’s client’s default',
    script: vectors,
    ask: async ({ openai }) => (await openai.embeddings.create({ model: 'm', input: 'one' })).data[0]?.embedding,
    result: VECTOR,
    url: '/v1/embeddings',
    sentFields: { model: 'real-model', input: 'one', encoding_format: 'base64' },
  },
  {
    name: 'embeddings of tokens',
    script: vectors,
    ask: async ({ openai }) => (await openai.embeddings.create({ model: 'm', input: [[1, 2], [3]] })).data.length,
    result: 2,
    url: '/v1/embeddings',
    sentFields: { model: 'real-model', input: [[1, 2], [3]] },
  },
  {
    name: 'embedContent',
    script: vectors,
    ask: async ({ gemini }) => {
      const config = { outputDimensionality: 3 }
      const { embeddings } = await gemini.models.embedContent({ model: 'm', contents: ['one', 'two'], config })
      return embeddings?.map(({ values }) => values)
    },
    result: [VECTOR, VECTOR],
    url: '/v1/embeddings',
    sentFields: { model: 'real-model', input: ['one', 'two'], dimensions: 3 },
  },
  {
    name: 'images',
    script: answerJson(IMAGES),
    ask: async ({ openai }) => (await openai.images.generate({ model: 'm', prompt: 'a cat', n: 2 })).data,
    result: IMAGES.data,
    url: '/v1/images/generations',
    sentFields: { model: 'real-model', prompt: 'a cat', n: 2 },
  },
  {
    name: 'images, streamed while they are drawn',
    script: answerStream(DRAWING.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)),
    ask: async ({ openai }) => {
      const asked = { model: 'm', prompt: 'a cat', stream: true, partial_images: 1 } as const
      const events = []
      for await (const event of await openai.images.generate(asked)) events.push(event)
      return events
    },
    result: DRAWING,
    url: '/v1/images/generations',
    sentFields: { model: 'real-model', prompt: 'a cat', stream: true, partial_images: 1 },
  },
  {
    name: 'moderations',
    script: answerJson(FLAGGED),
    ask: async ({ openai }) => openai.moderations.create({ model: 'm', input: ['bad', 'good'] }),
    result: FLAGGED,
    url: '/v1/moderations',
    sentFields: { model: 'real-model', input: ['bad', 'good'] },
  },
  {
    name: 'rerank',
    script: answerJson(RANKED),
    ask: async ({ post }) => (await post('rerank', { model: 'm', query: 'q', documents: ['a', 'b'] })).json(),
    result: RANKED,
    url: '/v1/rerank',
    sentFields: { model: 'real-model', query: 'q', documents: ['a', 'b'] },
  },
  {
    name: 'models of OpenAI’s client',
    script: answerJson({}),
    ask: async ({ openai }) => {
      const { data } = await openai.models.list()
      return [data.map(({ id }) => id), (await openai.models.retrieve('m')).id]
    },
    result: [['m', 'mended'], 'm'],
  },
  {
    name: 'models of Anthropic’s client',
    script: answerJson({}),
    ask: async ({ anthropic }) => {
      const { data } = await anthropic.models.list()
      return [data.map(({ id }) => id), (await anthropic.models.retrieve('m')).id]
    },
    result: [['m', 'mended'], 'm'],
  },
  {
    name: 'models of Google’s client',
    script: answerJson({}),
    ask: async ({ gemini }) => {
      const { page } = await gemini.models.list()
      return [page.map(({ name }) => name), (await gemini.models.get({ model: 'm' })).name]
    },
    result: [['models/m', 'models/mended'], 'models/m'],
  },
]
