// A relay with maxUploadBytes of 80 MB, in its own process, so that its memory and TMPDIR can be measured.
// On a message, it reports the maximum growth of its memory in MB, and the files that were written.
import { watch } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { createRelay } from '../dist/index.js'
import { nodeRelay } from '../dist/node.js'

const MB = 1024 * 1024
const relay = createRelay({
  providers: { up: { type: 'openai-compatible', baseURL: process.env.UPSTREAM } },
  models: { m: 'up/real' },
  keys: [{ id: 'alice', key: process.env.KEY }],
  maxUploadBytes: 80 * MB,
  logger: false,
})
const written = []
watch(tmpdir(), (_event, name) => written.push(name))
const server = createServer(nodeRelay(relay))
server.listen(0, '127.0.0.1', () => {
  const idle = process.memoryUsage().rss
  process.on('message', () => {
    process.send({ grown: (process.resourceUsage().maxRSS * 1024 - idle) / MB, written })
  })
  process.send(server.address().port)
})
