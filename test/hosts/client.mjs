// What a client does with a host: OpenAI's SDK, a forwarded endpoint, WebSockets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import OpenAI, { AuthenticationError } from 'openai'
import { WebSocket } from 'ws'

const KEY = 'sk-alice-secret'

/** Streams a completion, and gets an error. `model` tells this stream from those of other hosts. */
export async function checkCompletions(baseURL, upstream, model) {
  const client = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0, timeout: 10_000 })
  const question = { model: `upstream/${model}`, messages: [{ role: 'user', content: 'Say hello.' }] }
  const pieces = []
  for await (const chunk of await client.chat.completions.create({ ...question, stream: true })) {
    pieces.push(chunk.choices[0].delta.content ?? '')
    upstream.resume(model)
  }
  assert.equal(pieces.join(''), 'hello')
  assert.ok(pieces.length >= 3, `the stream came in ${pieces.length} chunks`)
  const whole = await client.chat.completions.create(question)
  assert.equal(whole.choices[0].message.content, 'hello')
  const stranger = client.withOptions({ apiKey: 'sk-wrong-secret' }).chat.completions.create(question)
  await assert.rejects(stranger, AuthenticationError)
}

/** Lists files through `passthroughRelay`, which loads the bundled http-proxy-3. */
export async function checkFiles(baseURL) {
  const client = new OpenAI({ baseURL, apiKey: KEY, maxRetries: 0, timeout: 10_000 })
  const { data } = await client.files.list()
  assert.deepEqual(
    data.map(({ id }) => id),
    ['file-1'],
  )
}

/** Opens a session with the provider, and one that ends at the relay, which loads the bundled ws. */
export async function checkSockets(baseURL, upstream, model) {
  const realtime = await openSocket(`${baseURL}/realtime?model=upstream/${model}`)
  realtime.send('{"type":"session.update","session":{}}')
  assert.equal((await nextEvent(realtime)).type, 'heard')
  await closeSocket(realtime)

  const responses = await openSocket(`${baseURL}/responses`)
  responses.send(JSON.stringify({ type: 'response.create', model: `upstream/${model}`, input: 'Say hello.' }))
  let text = ''
  for (
    let event = await nextEvent(responses);
    event.type !== 'response.completed';
    event = await nextEvent(responses)
  ) {
    assert.notEqual(event.type, 'error', JSON.stringify(event))
    text += event.type === 'response.output_text.delta' ? event.delta : ''
    upstream.resume(model)
  }
  assert.equal(text, 'hello')
  await closeSocket(responses)
}

async function openSocket(url) {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers: { authorization: `Bearer ${KEY}` } })
  socket.events = []
  socket.on('message', (message) => {
    socket.events.push(JSON.parse(message))
    socket.emit('event')
  })
  await once(socket, 'open', { signal: AbortSignal.timeout(10_000) })
  return socket
}

async function nextEvent(socket) {
  if (socket.events.length === 0) await once(socket, 'event', { signal: AbortSignal.timeout(10_000) })
  return socket.events.shift()
}

async function closeSocket(socket) {
  socket.close()
  await once(socket, 'close', { signal: AbortSignal.timeout(10_000) })
}
