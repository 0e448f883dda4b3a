// A small provider on a real socket, which speaks as OpenAI does. All hosts share it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const PIECES = ['hel', 'l', 'o']

/**
 * Starts the provider. A stream pauses after its first piece until `resume(model)` is called, so that a host that
 * holds a stream back never gets to its end.
 */
export async function startUpstream() {
  const paused = new Map()
  const server = createServer(async (req, res) => {
    if (req.method === 'GET') return sendJson(res, { object: 'list', data: [{ id: 'file-1', object: 'file' }] })
    const { model, stream } = JSON.parse(Buffer.concat(await req.toArray()).toString())
    if (!stream) {
      const choices = [{ index: 0, message: { role: 'assistant', content: PIECES.join('') }, finish_reason: 'stop' }]
      return sendJson(res, { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model, choices })
    }
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [at, content] of PIECES.entries()) {
      res.write(record(model, { role: 'assistant', content }))
      if (at === 0) await new Promise((resolve) => paused.set(model, resolve))
    }
    res.end(`${record(model, {}, 'stop')}data: [DONE]\n\n`)
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (message) => socket.send(`{"type":"heard","event":${message}}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    baseURL: `http://127.0.0.1:${server.address().port}/v1`,
    resume: (model) => paused.get(model)?.(),
    close() {
      sockets.close()
      server.close()
      server.closeAllConnections()
    },
  }
}

function record(model, delta, finish_reason = null) {
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model }
  return `data: ${JSON.stringify({ ...chunk, choices: [{ index: 0, delta, finish_reason }] })}\n\n`
}

function sendJson(res, value) {
  res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
