import Fastify from 'fastify'
import { createRelay } from 'modelmount'
import { fastifyRelay } from 'modelmount/fastify'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

const app = Fastify()
app.register(fastifyRelay(relay), { prefix: '/v1' })
console.log(`listening on ${await app.listen({ port: Number(PORT), host: '127.0.0.1' })}`)

process.once('SIGTERM', async () => {
  await app.close()
  await relay.close()
})
