import process from 'node:process'
import { createRelay } from 'modelmount'
import { fetchRelay } from 'modelmount/fetch'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

const server = Deno.serve({ hostname: '127.0.0.1', port: Number(PORT) }, fetchRelay(relay))

process.once('SIGTERM', async () => {
  await server.shutdown()
  await relay.close()
})
