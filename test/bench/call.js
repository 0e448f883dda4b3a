// Measures the relay's own code: calls without sockets, answered by a transport in the same process. Prints CPU time per call.
import { ClientConnection, createRelay } from '../../dist/index.js'

const CALLS = 20_000
const ROUNDS = 12
const KEY = 'sk-bench-0123456789abcdefghijklmnopqrstuvwxyz'

const question = Buffer.from(
  JSON.stringify({
    model: 'gpt-5.5',
    messages: [
      { role: 'system', content: 'You are a helpful assistant who answers in short sentences. '.repeat(4) },
      { role: 'user', content: 'What is the capital of France, and how many people live there? '.repeat(2) },
    ],
    temperature: 0.7,
    max_tokens: 256,
  }),
)
const streamed = Buffer.from(question.toString().replace('{', '{"stream":true,'))
const usage = { prompt_tokens: 90, completion_tokens: 40, total_tokens: 130 }
const choice = { index: 0, message: { role: 'assistant', content: 'Paris. '.repeat(50) }, finish_reason: 'stop' }
const common = { id: 'chatcmpl-bench', object: 'chat.completion', created: 1, model: 'gpt-5.5' }
const answer = Buffer.from(JSON.stringify({ ...common, choices: [choice], usage }))
const event = (delta, finish_reason = null) =>
  Buffer.from(`data: ${JSON.stringify({ ...common, choices: [{ index: 0, delta, finish_reason }] })}\n\n`)
const events = [
  event({ role: 'assistant', content: '' }),
  ...Array.from({ length: 50 }, () => event({ content: ' word' })),
  event({}, 'stop'),
  Buffer.from('data: [DONE]\n\n'),
]

const anthropicAnswer = Buffer.from(
  JSON.stringify({
    id: 'msg_bench',
    type: 'message',
    role: 'assistant',
    model: 'claude',
    content: [{ type: 'text', text: 'Paris. '.repeat(50) }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 90, output_tokens: 40 },
  }),
)
const geminiAnswer = Buffer.from(
  JSON.stringify({
    candidates: [
      { content: { parts: [{ text: 'Paris. '.repeat(50) }], role: 'model' }, finishReason: 'STOP', index: 0 },
    ],
    usageMetadata: { promptTokenCount: 90, candidatesTokenCount: 40, totalTokenCount: 130 },
    modelVersion: 'gemini',
    responseId: 'bench',
  }),
)

const headers = (type) =>
  ['content-type', type, 'x-request-id', 'req_1', 'openai-version', '1'].map((text) => Buffer.from(text))
const jsonHead = headers('application/json')
const streamHead = headers('text/event-stream')

/** Each event in a turn of its own, as from a model that writes. */
const sendPaced = (handler, index) => {
  if (index === events.length) return handler.onComplete()
  handler.onData(events[index])
  setImmediate(() => sendPaced(handler, index + 1))
}

/** Answers each request at once, in a later turn of the event loop, as a socket would. */
const transport = {
  dispatch({ body, path }, handler) {
    const whole = path.endsWith('/messages')
      ? anthropicAnswer
      : path.endsWith('generateContent')
        ? geminiAnswer
        : answer
    setImmediate(() => {
      const isStream = body === streamed || body.includes('"stream":true')
      handler.onConnect(() => undefined)
      handler.onHeaders(200, isStream ? streamHead : jsonHead, () => undefined)
      if (isStream && body.includes('paced')) return sendPaced(handler, 0)
      if (isStream) for (const bytes of events) handler.onData(bytes)
      else handler.onData(whole)
      handler.onComplete()
    })
    return true
  },
  close: async () => undefined,
  destroy: async () => undefined,
}

class BenchRequest {
  method = 'POST'
  url = '/v1/chat/completions'
  client = new ClientConnection()
  ip = '127.0.0.1'
  host = undefined
  parsedBody = undefined
  headers = {
    authorization: `Bearer ${KEY}`,
    'content-type': 'application/json',
    'content-length': '500',
    accept: 'application/json',
    'user-agent': 'OpenAI/JS 6',
    'x-stainless-lang': 'js',
  }

  constructor(body) {
    this.body = body
  }

  read() {
    return new Promise((resolve) => setImmediate(() => resolve(this.body)))
  }
}

const sink = { write: () => true, end: () => undefined, abort: () => undefined }

const counted = { limits: { rpm: 1e9, tpm: 1e12, concurrency: 1e6 }, budget: { usd: 1e6, per: 'month' } }
const price = { '*': { input: 1, cachedInput: 0.1, output: 4 } }

const relayWith = (more) =>
  createRelay({
    providers: {
      up: { type: 'openai-compatible', apiKey: 'sk-upstream', baseURL: 'http://127.0.0.1:9', ...more.provider },
    },
    models: { '*': 'up' },
    keys: [{ id: 'bench', key: KEY, ...more.key }],
    transport,
    logger: false,
    ...more.config,
  })

let tokens = 0
const watched = { plugins: [{ done: (record) => (tokens += record.outputTokens ?? 0) }] }
const kinds = {
  whole: [relayWith({}), question],
  'whole, watched': [relayWith({ config: watched }), question],
  'whole, counted': [relayWith({ key: counted, config: { ...watched, prices: price } }), question],
  'stream of 50': [relayWith({}), streamed],
  'paced stream of 50': [relayWith({}), Buffer.from(streamed.toString().replace('}', ',"user":"paced"}'))],
  'to Anthropic': [relayWith({ provider: { type: 'anthropic' }, config: watched }), question],
  'to Gemini': [relayWith({ provider: { type: 'gemini' }, config: watched }), question],
  'from the cache': [relayWith({ config: { ...watched, cache: { temperature: 'any' } } }), question],
}

const chosen = process.argv.slice(2)
for (const [name, [relay, body]] of Object.entries(kinds)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const samples = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let done = 0; done < CALLS; done += 32) {
      await Promise.all(
        Array.from({ length: 32 }, async () => {
          const response = await relay.handle(new BenchRequest(body))
          if (response.status !== 200) throw new Error(String(response.body))
          if (!Buffer.isBuffer(response.body)) response.body.start(sink)
        }),
      )
    }
    const { user, system } = process.cpuUsage(before)
    samples.push((user + system) / CALLS)
  }
  const best = samples.sort((a, b) => a - b).slice(0, ROUNDS / 3)
  const mean = best.reduce((sum, sample) => sum + sample, 0) / best.length
  console.log(`${name.padEnd(20)} ${mean.toFixed(2)} µs a call`)
}
