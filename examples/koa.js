// @ts-check
// The relay beside a Koa app's own middleware. OPENAI_API_KEY=sk-… node examples/koa.js
import Koa from 'koa'
import { createRelay } from 'modelmount'
import { koaRelay } from 'modelmount/koa'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

const app = new Koa()
app.use(koaRelay(relay))
app.use((context) => {
  context.body = 'the app itself\n'
})

const server = app.listen(Number(PORT), () => {
  console.log(`listening on http://127.0.0.1:${PORT}/v1`)
})

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
