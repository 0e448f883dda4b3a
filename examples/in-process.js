// @ts-check
// OpenAI's SDK calls the relay in the same process: no server, no network hop. OPENAI_API_KEY=sk-… node examples/in-process.js
import { createRelay } from 'modelmount'
import { fetchRelay } from 'modelmount/fetch'
import OpenAI from 'openai'

const { UPSTREAM } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'worker', key: 'sk-example-worker' }],
})

// Nothing looks the host name up. Only the path matters.
const client = new OpenAI({ baseURL: 'http://relay/v1', apiKey: 'sk-example-worker', fetch: fetchRelay(relay) })

const stream = await client.chat.completions.create({
  model: 'gpt-5-mini',
  messages: [{ role: 'user', content: 'Say hello.' }],
  stream: true,
})
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')

await relay.close()
