// @ts-check
// The relay in front of a server that exists already. OPENAI_API_KEY=sk-… node examples/node.js
import { createServer } from 'node:http'
import { createRelay } from 'modelmount'
import { attachRelay } from 'modelmount/node'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

const server = createServer((_request, response) => response.end('the app itself\n'))
attachRelay(server, relay)
// Longer than the load balancer's, so that the balancer never sends into a connection that is closing.
server.keepAliveTimeout = 65_000
server.listen(Number(PORT), () => console.log(`listening on http://127.0.0.1:${PORT}/v1`))

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
