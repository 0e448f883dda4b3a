// @ts-check
// Limits, a budget and the cache, and a log line with the cost of each call. OPENAI_API_KEY=sk-… node examples/limits.js
import { createServer } from 'node:http'
import { createRelay } from 'modelmount'
import { nodeRelay } from 'modelmount/node'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  limits: { rpm: 60, tpm: 100_000, concurrency: 4 },
  groups: { staff: { multiplier: 1.1, budget: { usd: 50, per: 'month' } } },
  keys: [{ id: 'alice', key: CALLER_KEY, group: 'staff', budget: { usd: 2, per: 'day' } }],
  cache: { seconds: 600, temperature: 'any' },
  plugins: [{ done: ({ model, cache, costNanos = 0 }) => console.log(model, cache, `${costNanos / 1e9} USD`) }],
})

const server = createServer(nodeRelay(relay))
server.listen(Number(PORT), () => console.log(`listening on http://127.0.0.1:${PORT}/v1`))

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
  const { spent } = await relay.balance('key:alice', 'day')
  console.log(`alice has spent ${spent / 1e9} USD today`)
})
