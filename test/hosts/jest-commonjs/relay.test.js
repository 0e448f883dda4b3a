const { createRelay } = require('modelmount')
const { fetchRelay } = require('modelmount/fetch')
const { nodeRelay } = require('modelmount/node')
const { createServer } = require('node:http')

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: process.env.UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})
const server = createServer(nodeRelay(relay))
const question = {
  method: 'POST',
  headers: { authorization: 'Bearer sk-alice-secret', 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'upstream/jest', messages: [{ role: 'user', content: 'Say hello.' }] }),
}

beforeAll(() => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)))
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve))
  await relay.close()
})

test('answers through a server', async () => {
  const response = await fetch(`http://127.0.0.1:${server.address().port}/v1/chat/completions`, question)
  const answer = await response.json()
  expect(answer.choices[0].message.content).toBe('hello')
})

test('answers in the same process', async () => {
  const response = await fetchRelay(relay)('http://relay/v1/chat/completions', question)
  const answer = await response.json()
  expect(answer.choices[0].message.content).toBe('hello')
})
