// One of several processes that share limits. It takes as much as it can until it gets the message to stop.
import { Redis } from 'ioredis'
import { RedisLimits } from '../../src/stores/redis/limits.js'

const { url, scope, take, leaseMs, useMs } = JSON.parse(process.argv[2])
const client = new Redis(url)
const limits = new RedisLimits(client, { leaseMs })
const CONCURRENT_CALLS = 16
// Counts the slots in use at the moment, in all processes.
const inside = `inside:${scope.name}`
const slots = { requests: 0, tokens: 0, slots: take.slots }
let [passed, refused, maxSlots] = [0, 0, 0]
let isStopped = false

process.on('message', () => {
  isStopped = true
})
await client.ping()
process.send('ready')
await new Promise((resolve) => process.once('message', resolve))
isStopped = false
const startedAt = epochMs()
await Promise.all(Array.from({ length: CONCURRENT_CALLS }, work))
process.send({ passed, refused, maxSlots, startedAt, endedAt: epochMs() })
await limits.close()
client.disconnect()
process.disconnect()

async function work() {
  while (!isStopped) {
    const { exceeded } = await limits.take([scope], take)
    if (exceeded) refused++
    else await use()
  }
}

async function use() {
  passed++
  if (take.slots === 0) return
  maxSlots = Math.max(maxSlots, await client.incr(inside))
  await new Promise((resolve) => setTimeout(resolve, useMs))
  await client.decr(inside)
  await limits.giveBack([scope], slots)
}

function epochMs() {
  return performance.timeOrigin + performance.now()
}
