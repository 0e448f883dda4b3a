// The servers that the upload benchmark measures. KIND selects one. On a message, it reports its CPU time and memory.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'undici'

const { KIND, UPSTREAM } = process.env

/** Buffers the body, as a retry needs it, and sends it with the relay's HTTP client. Reads no key, model or form. */
const baseline = () => {
  const pool = new Pool(UPSTREAM, { pipelining: 1 })
  return createServer((req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)
      const headers = ['content-type', req.headers['content-type'], 'authorization', 'Bearer sk-upstream']
      pool.dispatch({ method: 'POST', path: req.url, headers, body }, collectResponse(res))
    })
  })
}

const collectResponse = (res) => {
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

/** The baseline in a process that has loaded the relay's modules, which V8's collector scans at each large body. */
const baselineWithModules = async () => {
  await import('../../dist/index.js')
  return baseline()
}

const relay = async () => {
  // Imported here, so that the baseline does not load these modules.
  const { nodeRelay } = await import('../../dist/node.js')
  const { createRelay } = await import('../../dist/index.js')
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
    // Resets the kernel's peak.
    writeFileSync('/proc/self/clear_refs', '5')
    return resident('VmRSS')
  },
  peak: () => resident('VmHWM'),
}
process.on('message', async (what) => process.send(await answers[what]()))

const makers = { baseline, baselineWithModules, relay, renaming: relay }
const server = await makers[KIND]()
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
