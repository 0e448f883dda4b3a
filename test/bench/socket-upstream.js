// A realtime server for `sockets.js`. It answers each message with one of a given length.
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'

const event = {
  type: 'response.output_audio.delta',
  event_id: 'event_0123456789abcdefghijk',
  response_id: 'resp_0123456789abcdefghijk',
  item_id: 'item_0123456789abcdefghijk',
  output_index: 0,
  content_index: 0,
  delta: 'A'.repeat(Number(process.env.LENGTH)),
}
const message = JSON.stringify(event)
const server = createServer()
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (client) => client.on('message', () => client.send(message)))
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
