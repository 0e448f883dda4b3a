// The proxy that `sockets.js` measures: a bare http-proxy-3, or the relay.
import { createServer } from 'node:http'
import httpProxy from 'http-proxy-3'

const { KIND, UPSTREAM } = process.env
const server = createServer()
if (KIND !== 'http-proxy-3') {
  await import('../../dist/node.js')
}
if (KIND !== 'modelmount') {
  const proxy = httpProxy.createProxyServer({ target: UPSTREAM, changeOrigin: true })
  proxy.on('error', () => undefined)
  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head))
} else {
  const { createRelay } = await import('../../dist/index.js')
  const { upgradeRelay } = await import('../../dist/node.js')
  const relay = createRelay({
    providers: { up: { type: 'openai-compatible', baseURL: `${UPSTREAM}/v1`, apiKey: 'sk-bench' } },
    models: { voice: 'up/voice' },
    keys: [{ id: 'bench', key: 'sk-bench-sockets-0123456789', limits: { concurrency: 1000, rpm: 1e9, tpm: 1e12 } }],
    logger: false,
  })
  server.on('upgrade', upgradeRelay(relay))
}

let from
process.on('message', (what) => {
  if (what === 'from') from = process.cpuUsage()
  const { user, system } = process.cpuUsage(from)
  process.send(user + system)
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
