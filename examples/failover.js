// @ts-check
// One model name with two targets, and a log line for each call. OPENAI_API_KEY=sk-… BACKUP=http://… node examples/failover.js
import { createServer } from 'node:http'
import { createRelay } from 'modelmount'
import { nodeRelay } from 'modelmount/node'

const { PORT = '3000', UPSTREAM, BACKUP = 'http://127.0.0.1:8000/v1', CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: {
    openai: { baseURL: UPSTREAM },
    backup: { type: 'openai-compatible', baseURL: BACKUP },
  },
  models: { fast: ['openai/gpt-5-mini', 'backup/small-model'] },
  retry: { attempts: 3 },
  keys: [{ id: 'alice', key: CALLER_KEY }],
  plugins: [{ done: ({ model, attempts, outcome }) => console.log(model, outcome, attempts) }],
})

createServer(nodeRelay(relay)).listen(Number(PORT), () => {
  console.log(`listening on http://127.0.0.1:${PORT}/v1`)
})
