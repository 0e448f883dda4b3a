// @ts-check
// The relay beside an Express app's own routes. OPENAI_API_KEY=sk-… node examples/express.js
import express from 'express'
import { createRelay } from 'modelmount'
import { expressRelay } from 'modelmount/express'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

const app = express()
app.get('/', (_request, response) => response.send('the app itself\n'))
app.use('/v1', expressRelay(relay))

const server = app.listen(Number(PORT), () => {
  console.log(`listening on http://127.0.0.1:${PORT}/v1`)
})

process.once('SIGTERM', async () => {
  server.close()
  await relay.close()
})
