// One of several processes that share limits: takes what it can until it is told to stop.
import { Redis } from 'ioredis'
import { RedisLimits } from '../../dist/src/stores/redis/limits.js'

const { url, scope, draw, leaseMs, holdMs } = JSON.parse(process.argv[2])
const client = new Redis(url)
const limits = new RedisLimits(client, { leaseMs })
const AT_ONCE = 16
// How many calls hold a slot just now, in all processes.
const inside = `inside:${scope.name}`
const slots = { requests: 0, tokens: 0, slots: draw.slots }
let [passed, refused, most] = [0, 0, 0]
let isOver = false

process.on('message', () => {
  isOver = true
})
await client.ping()
process.send('ready')
await new Promise((resolve) => process.once('message', resolve))
isOver = false
const from = epochMs()
await Promise.all(Array.from({ length: AT_ONCE }, work))
process.send({ passed, refused, most, from, to: epochMs() })
await limits.close()
client.disconnect()
process.disconnect()

async function work() {
  while (!isOver) {
    const { met } = await limits.take([scope], draw)
    if (met) refused++
    else await use()
  }
}

async function use() {
  passed++
  if (draw.slots === 0) return
  most = Math.max(most, await client.incr(inside))
  await new Promise((resolve) => setTimeout(resolve, holdMs))
  await client.decr(inside)
  await limits.giveBack([scope], slots)
}

function epochMs() {
  return performance.timeOrigin + performance.now()
}
