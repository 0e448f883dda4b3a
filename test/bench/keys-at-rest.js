// Measures many keys in one process: memory before and after one call of each, and CPU time while idle.
import { createRelay, Departure } from '../../dist/index.js'

const count = Number(process.argv[2])
const digits = (index) => String(index).padStart(8, '0')
const own = { limits: { rpm: 100, tpm: 1e9, concurrency: 10 }, budget: { usd: 10, per: 'month' } }
let keys = Array.from({ length: count }, (_, index) => ({
  id: `key${digits(index)}`,
  key: `sk-${digits(index)}`,
  ...own,
}))
const relay = createRelay({
  providers: { up: { type: 'openai-compatible', baseURL: 'http://127.0.0.1:9/v1' } },
  prices: { '*': { input: 1, output: 1 } },
  retry: { attempts: 1 },
  keys,
  logger: false,
})
keys = undefined

const settled = async () => {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    globalThis.gc()
  }
  return process.memoryUsage()
}

const { rss: resident, heapUsed: heap } = await settled()
const body = Buffer.from('{"model":"up/m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}')
for (let index = 0; index < count; index++) {
  await relay.handle({
    method: 'POST',
    url: '/v1/chat/completions',
    headers: { authorization: `Bearer sk-${digits(index)}` },
    departure: new Departure(),
    read: async () => body,
  })
}
const { rss: usedResident, heapUsed: usedHeap } = await settled()
// V8 continues to collect garbage for a while.
await new Promise((resolve) => setTimeout(resolve, 12_000))
const idle = process.cpuUsage()
await new Promise((resolve) => setTimeout(resolve, 3000))
const { user, system } = process.cpuUsage(idle)
console.log(JSON.stringify({ resident, heap, usedResident, usedHeap, idleMs: (user + system) / 1000 }))
await relay.close()
