// One of several processes that share a ledger. It reserves money, and keeps it until it is killed.
import { Redis } from 'ioredis'
import { RedisLedger } from '../../src/stores/redis/ledger.js'

const { url, reservation, leaseMs } = JSON.parse(process.argv[2])
await new RedisLedger(new Redis(url), { leaseMs }).reserve(reservation)
process.send('held')
