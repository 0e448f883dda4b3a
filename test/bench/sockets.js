// Measures a message on a realtime session and its reply, through the relay and through a bare http-proxy-3.
// Upstream, load generator and each proxy have their own process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { WebSocket } from 'ws'

/** `http-proxy-3 with modules` runs http-proxy-3 in a process that has loaded the relay too, since a larger heap makes every read slower. */
const KINDS = ['http-proxy-3', 'http-proxy-3 with modules', 'modelmount']
const CLIENTS = 8
const MESSAGES = 1500
const at = process.argv.indexOf('--rounds')
const rounds = at < 0 ? 11 : Number(process.argv[at + 1])
/** Audio as clients send it, 100 ms per message, and text. */
const shapes = { sound: { sent: 6400, length: 8000 }, words: { sent: 100, length: 10 } }

const start = async (file, env) => {
  const child = fork(join(import.meta.dirname, file), { env: { ...process.env, ...env } })
  const [port] = await once(child, 'message')
  const ask = async (what) => {
    child.send(what)
    return (await once(child, 'message'))[0]
  }
  return { port, ask, stop: () => child.kill() }
}

const open = async (port) => {
  const headers = { authorization: 'Bearer sk-bench-sockets-0123456789' }
  const client = new WebSocket(`ws://127.0.0.1:${port}/v1/realtime?model=voice`, { headers, perMessageDeflate: false })
  await once(client, 'open')
  return client
}

const talk = (client, message) =>
  new Promise((resolve) => {
    let left = MESSAGES
    client.on('message', () => {
      left--
      if (left > 0) client.send(message)
      else resolve()
    })
    client.send(message)
  })

/** CPU time in microseconds per message and reply. */
const measure = async ({ port, ask }, message) => {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => open(port)))
  await ask('from')
  await Promise.all(clients.map((client) => talk(client, message)))
  const cpu = await ask('to')
  for (const client of clients) client.terminate()
  return cpu / (CLIENTS * MESSAGES)
}

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]
const bestThird = (values) =>
  median(values.toSorted((one, other) => one - other).slice(0, Math.max(1, Math.ceil(values.length / 3))))

for (const [shape, { sent, length }] of Object.entries(shapes)) {
  const upstream = await start('socket-upstream.js', { LENGTH: String(length) })
  const UPSTREAM = `http://127.0.0.1:${upstream.port}`
  const proxies = {}
  for (const KIND of KINDS) proxies[KIND] = await start('socket-proxy.js', { KIND, UPSTREAM })
  const message = JSON.stringify({ type: 'input_audio_buffer.append', audio: 'B'.repeat(sent) })
  const samples = Object.fromEntries(KINDS.map((kind) => [kind, []]))
  for (const proxy of Object.values(proxies)) await measure(proxy, message)
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? Object.keys(proxies) : Object.keys(proxies).reverse()
    for (const kind of order) samples[kind].push(await measure(proxies[kind], message))
  }
  for (const [kind, values] of Object.entries(samples)) {
    const ratio = (of) => (of(values) / of(samples['http-proxy-3'])).toFixed(2)
    const cost = `${median(values).toFixed(1)} µs a message there and back`
    console.log(
      `${shape.padEnd(6)} ${kind.padEnd(13)} ${cost}, ${ratio(median)} median, ${ratio(bestThird)} best third`,
    )
  }
  for (const { stop } of [upstream, ...Object.values(proxies)]) stop()
}
