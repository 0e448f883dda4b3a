// What the upload bench measures, and what it is measured against: KIND says which. Tells its CPU time and memory when asked.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'

const { KIND, UPSTREAM } = process.env

/** Holds the body whole, since it might have to be sent again, and sends it on by the relay's own client: no key, no model, no form is looked at. */
const floor = () => {
  const pool = new Pool(UPSTREAM, { pipelining: 1 })
  return createServer((req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      const headers = ['content-type', req.headers['content-type'], 'authorization', 'Bearer sk-upstream']
      pool.dispatch({ method: 'POST', path: req.url, headers, body }, answering(res))
    })
  })
}

const answering = (res) => {
  const chunks = []
  let status = 0
  return {
    onConnect() {},
    onHeaders(code) {
      status = code
      return true
    },
    onData: (chunk) => chunks.push(chunk) > 0,
    onComplete: () => res.writeHead(status, { 'content-type': 'application/json' }).end(Buffer.concat(chunks)),
    onError: () => res.destroy(),
  }
}

/** The floor in a process that the relay's modules weigh upon: what they cost V8's collector at each large body. */
const laden = async () => {
  await import('../../dist/src/index.js')
  return floor()
}

const relay = async () => {
  // Here, lest the floor carry their weight.
  const { nodeRelay } = await import('../../dist/adapters/node.js')
  const { createRelay } = await import('../../dist/src/index.js')
  return createServer(
    nodeRelay(
      createRelay({
        providers: { up: { type: 'openai-compatible', apiKey: 'sk-upstream', baseURL: `${UPSTREAM}/v1` } },
        models: { 'whisper-1': KIND === 'renaming' ? 'up/whisper-large-v3-turbo' : 'up' },
        keys: [{ id: 'bench', key: 'sk-bench-upload-0123456789' }],
        logger: false,
      }),
    ),
  )
}

const resident = (name) =>
  Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024

const answers = {
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  async idle() {
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc()
      await pause(100)
    }
    // The kernel forgets the peak so far.
    writeFileSync('/proc/self/clear_refs', '5')
    return resident('VmRSS')
  },
  peak: () => resident('VmHWM'),
}
process.on('message', async (what) => process.send(await answers[what]()))

const makers = { floor, laden, relay, renaming: relay }
const server = await makers[KIND]()
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
