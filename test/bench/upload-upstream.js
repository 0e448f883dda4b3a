// Answers uploads with their number of bytes.
import { createServer } from 'node:http'

const server = createServer((req, res) => {
  let bytes = 0
  req.on('data', (chunk) => {
    bytes += chunk.length
  })
  req.on('end', () => {
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ text: 'hello', bytes }))
  })
})
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
