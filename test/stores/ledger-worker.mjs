// One of several processes that share a ledger: holds money until it is killed.
import { Redis } from 'ioredis'
import { RedisLedger } from '../../dist/src/stores/redis/ledger.js'

const { url, hold, leaseMs } = JSON.parse(process.argv[2])
await new RedisLedger(new Redis(url), { leaseMs }).reserve(hold)
process.send('held')
