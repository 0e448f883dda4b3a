// Measures an upload of 25 MB, a form with a recording, through the relay and through a bare server that only buffers the
// body and sends it with the same client. Upstream, load generator and each relay have their own process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Pool } from 'undici'

const MB = 1024 * 1024
const SIZE = 25 * MB
const UPLOADS = 12
const at = process.argv.indexOf('--rounds')
const rounds = at < 0 ? 9 : Number(process.argv[at + 1])
const BOUNDARY = '----bench0123456789abcdef'

/** A form as official clients write it, with a file of this size. */
const form = (size) => {
  const file = Buffer.alloc(size)
  for (let at = 0; at < size; at += 4) file.writeUInt32LE(Math.imul(at + 1, 2654435761) >>> 0, at)
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n`
  return Buffer.concat([Buffer.from(head), file, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)])
}
const large = form(SIZE)
const small = form(64 * 1024)

const start = async (file, env = {}) => {
  const child = fork(join(import.meta.dirname, file), { execArgv: ['--expose-gc'], env: { ...process.env, ...env } })
  const [port] = await once(child, 'message')
  const pool = new Pool(`http://127.0.0.1:${port}`)
  const ask = async (what) => {
    child.send(what)
    const [answer] = await once(child, 'message')
    return answer
  }
  const stop = async () => {
    await pool.destroy()
    child.kill()
  }
  return { port, pool, ask, stop }
}

const send = async ({ pool }, body) => {
  const { statusCode, body: answer } = await pool.request({
    method: 'POST',
    path: '/v1/audio/transcriptions',
    headers: {
      authorization: 'Bearer sk-bench-upload-0123456789',
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
    },
    body,
  })
  const { text, bytes } = await answer.json()
  if (statusCode !== 200 || text !== 'hello' || bytes < body.length - 100)
    throw new Error(`${statusCode} ${text} ${bytes}`)
}
const repeat = async (target, times, body) => {
  for (let turn = 0; turn < times; turn++) await send(target, body)
}

const upstream = await start('upload-upstream.js')
const env = { UPSTREAM: `http://127.0.0.1:${upstream.port}` }
const kinds = {
  baseline: { KIND: 'baseline' },
  'baseline with the relay’s modules loaded': { KIND: 'baselineWithModules' },
  relay: { KIND: 'relay' },
  'relay, other model name': { KIND: 'renaming' },
}
const open = (kind) => start('upload-relay.js', { ...env, ...kinds[kind] })

const targets = {}
for (const kind of Object.keys(kinds)) {
  targets[kind] = await open(kind)
  await repeat(targets[kind], 20, large)
}
const samples = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]))
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? Object.keys(kinds) : Object.keys(kinds).reverse()
  for (const kind of order) {
    await repeat(targets[kind], 3, large)
    const from = await targets[kind].ask('cpu')
    await repeat(targets[kind], UPLOADS, large)
    samples[kind].push(((await targets[kind].ask('cpu')) - from) / UPLOADS / 1000)
  }
}
for (const target of Object.values(targets)) await target.stop()

/** Peak memory over idle, in a process after many small uploads, or after many uploads of this size. */
const memory = async (kind, times, body) => {
  const figures = []
  for (let turn = 0; turn < 3; turn++) {
    const target = await open(kind)
    await repeat(target, times, body)
    const idle = await target.ask('idle')
    await send(target, large)
    figures.push(((await target.ask('peak')) - idle - large.length) / MB)
    await target.stop()
  }
  return median(figures)
}
const median = (figures) => figures.toSorted((a, b) => a - b)[figures.length >> 1]
const best = (figures) => {
  const third = figures.toSorted((a, b) => a - b).slice(0, Math.ceil(figures.length / 3))
  return third.reduce((sum, figure) => sum + figure, 0) / third.length
}

console.log(
  '\n| upload of 25 MB | CPU ms (median) | CPU ms (best third) | x baseline (median) | x baseline (best third) | peak over body and idle, MB: first large one | after many |',
)
console.log('|---|---|---|---|---|---|---|')
for (const kind of Object.keys(kinds)) {
  const [middle, lowest] = [median(samples[kind]), best(samples[kind])]
  const ratios = [middle / median(samples.baseline), lowest / best(samples.baseline)]
  const peaks = [await memory(kind, 300, small), await memory(kind, 20, large)]
  const cells = [
    kind,
    middle.toFixed(1),
    lowest.toFixed(1),
    ...ratios.map((ratio) => ratio.toFixed(2)),
    ...peaks.map((peak) => peak.toFixed(1)),
  ]
  console.log(`| ${cells.join(' | ')} |`)
}
await upstream.stop()
