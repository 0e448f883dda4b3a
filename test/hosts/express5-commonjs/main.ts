// An Express app with all that the relay can do in it. Several hosts run this file, each in its own way.
import express from 'express'
import { createRelay } from 'modelmount'
import { expressRelay } from 'modelmount/express'
import { upgradeRelay } from 'modelmount/node'
import { passthroughRelay } from 'modelmount/passthrough'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
  forward: { files: 'upstream' },
})

const app = express()
app.use('/v1', passthroughRelay(relay))
app.use('/v1', expressRelay(relay))
app.use(express.json())

const server = app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on port ${PORT}`))
server.on('upgrade', upgradeRelay(relay))

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
