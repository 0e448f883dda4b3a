// @ts-check
// The relay beside a Fastify app's own routes. OPENAI_API_KEY=sk-… node examples/fastify.js
import Fastify from 'fastify'
import { createRelay } from 'modelmount'
import { fastifyRelay } from 'modelmount/fastify'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

const app = Fastify()
app.get('/', async () => 'the app itself\n')
app.register(fastifyRelay(relay), { prefix: '/v1' })

await app.listen({ port: Number(PORT) })
console.log(`listening on http://127.0.0.1:${PORT}/v1`)

process.once('SIGTERM', async () => {
  await app.close()
  await relay.close()
})
