// A cluster whose workers create relays, or with `alone` one process with a parent. Prints what each relay logs, as JSON.
import cluster from 'node:cluster'
import { createRelay } from '../../dist/index.js'

const { workers, alone, options } = JSON.parse(process.argv[2])

if (alone || cluster.isWorker) {
  const logs = []
  const logger = {
    info: () => undefined,
    error: () => undefined,
    warn: (details, message) => logs.push({ details, message }),
  }
  const authenticate = options.authenticate && (() => undefined)
  const relay = createRelay({ ...options, authenticate, logger })
  await relay.close()
  process.send({ logs }, () => process.disconnect())
} else {
  const results = []
  cluster.on('message', (_worker, result) => results.push(result))
  for (let index = 0; index < workers; index++) cluster.fork()
  let open = workers
  cluster.on('exit', () => {
    if (--open === 0) process.send(results)
    if (open === 0) process.disconnect()
  })
}
