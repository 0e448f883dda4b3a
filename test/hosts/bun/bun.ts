import { createRelay } from 'modelmount'
import { fetchRelay } from 'modelmount/fetch'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

const server = Bun.serve({ hostname: '127.0.0.1', port: Number(PORT), idleTimeout: 0, fetch: fetchRelay(relay) })
console.log(`listening on port ${server.port}`)

process.once('SIGTERM', async () => {
  await server.stop()
  await relay.close()
})
