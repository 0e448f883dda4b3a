import Koa from 'koa'
import { createRelay } from 'modelmount'
import { koaRelay } from 'modelmount/koa'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

const app = new Koa()
app.use(koaRelay(relay))
const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on port ${PORT}`))

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
