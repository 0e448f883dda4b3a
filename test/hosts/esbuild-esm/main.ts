// No Express here: esbuild cannot bundle Express as an ES module.
import { createServer } from 'node:http'
import { createRelay } from 'modelmount'
import { nodeRelay, upgradeRelay } from 'modelmount/node'
import { passthroughRelay } from 'modelmount/passthrough'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
  forward: { files: 'upstream' },
})

const passthrough = passthroughRelay(relay)
const answer = nodeRelay(relay)
const server = createServer((req, res) => passthrough(req, res, () => answer(req, res)))
server.on('upgrade', upgradeRelay(relay))
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on port ${PORT}`))

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
