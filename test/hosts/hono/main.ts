import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createRelay } from 'modelmount'
import { honoRelay } from 'modelmount/hono'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

const app = new Hono()
app.use('/v1/*', honoRelay(relay))
const server = serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, ({ port }) =>
  console.log(`listening on port ${port}`),
)

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
