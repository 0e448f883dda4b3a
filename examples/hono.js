// @ts-check
// The relay beside a Hono app's own routes. Pass what it exports to `serve()` of @hono/node-server.
import { Hono } from 'hono'
import { createRelay } from 'modelmount'
import { honoRelay } from 'modelmount/hono'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

const app = new Hono()
app.get('/', (context) => context.text('the app itself\n'))
app.use('/v1/*', honoRelay(relay))

export default { port: Number(PORT), fetch: app.fetch }
