import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeRelay } from '../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { rawConnection } from './raw-connection.js'
import { answerError, answerJson, inTurn, type Script, startUpstream } from './scripted-upstream.js'
import { KEY, providerAt, testRelay } from './test-relay.js'
import { pause } from './until.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const MB = 1024 * 1024
const TYPE = 'multipart/form-data; boundary=b'
const HEARD = answerJson({ text: 'hello' })
const field = (name: string, value: string, more = ''): string =>
  `--b\r\ncontent-disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`
const file = (content: string, name = 'a.mp3'): string => field('file', content, `; filename="${name}"`)
const END = '--b--\r\n'

async function start(script: Script, more: Partial<RelayOptions> = {}) {
  const upstream = cleanup.add(await startUpstream(script))
  const relay = cleanup.add(
    testRelay({ providers: { up: providerAt(upstream) }, models: { m: 'up/real', '*': 'up' }, shutdownMs: 0, ...more }),
  )
  const server = createServer({ requestTimeout: 400, headersTimeout: 300, connectionsCheckingInterval: 50 })
  server.on('request', nodeRelay(relay))
  const { baseURL, port } = cleanup.add(await listen(server))
  const send = async (body: string | Buffer, headers: Record<string, string> = {}, path = 'audio/transcriptions') => {
    const response = await fetch(`${baseURL}/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': TYPE, ...headers },
      body: body as string,
    })
    const answer = (await response.json()) as { error?: { message: string; param: string | null; type: string } }
    return { status: response.status, ...answer.error, answer }
  }
  return { upstream, relay, port, baseURL, send }
}

/** Begins an upload with `length` as its content-length. */
async function begin(port: number, length: number, body = '') {
  const connection = await rawConnection(port)
  connection.socket.write(
    `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer ${KEY}\r\ncontent-type: ${TYPE}\r\ncontent-length: ${length}\r\n\r\n${body}`,
  )
  return connection
}

describe('a form', () => {
  it.each([
    ['with a prelude', `\r\n${field('model', 'm')}${END}`, 'must begin with its boundary'],
    ['with a boundary of 5 kB', field('model', 'm').replace('--b', `--${'b'.repeat(5000)}`), 'its first line'],
    ['with a line end in its boundary', field('model', 'm').replace('--b', '--b\nx-y: z'), 'its first line'],
    ['with five thousand parts', `${field('model', 'm')}${field('x', 'y').repeat(5000)}${END}`, 'more than 1000 parts'],
    [
      'with a header block of a megabyte',
      `${field('model', 'm')}--b\r\nx: ${'y'.repeat(MB)}\r\n\r\n`,
      'part 2 has a head',
    ],
    ['without an end', `${field('model', 'm')}${file('x')}`, 'part 2, "file", has no boundary after it'],
    ['with two names for the model field', field('model', 'm', '; name="model"') + END, 'part 1 has a name'],
    ['with a line end in a file’s name', field('model', 'm') + file('x', 'a\nb') + END, 'part 2 has a stray line end'],
  ])('%s is a 400 with the position, without an upstream request or a cooldown', async (_what, body, words) => {
    const { send, upstream, relay } = await start(HEARD)
    const refused = await send(body)
    expect(refused).toMatchObject({ status: 400, type: 'invalid_request_error' })
    expect(refused.message).toContain(words)
    expect(upstream.seen).toHaveLength(0)
    expect(relay.explain('m').targets[0]).toMatchObject({ credentials: [{ cooldownMs: 0 }] })
    expect((await send(field('model', 'm') + file('x') + END)).status).toBe(200)
  })

  it("is sent with the target's model and the right boundary, whatever the client's content type", async () => {
    const { send, upstream } = await start(HEARD)
    const boundary = "=_it's(1)/2"
    const body = (field('model', 'm') + file('x') + END).replaceAll('--b', `--${boundary}`)
    for (const type of ['multipart/form-data', 'multipart/form-data; boundary=other', 'application/octet-stream']) {
      expect((await send(body, { 'content-type': type })).status).toBe(200)
      const seen = upstream.seen.at(-1)
      expect(seen?.headers['content-type']).toBe(`multipart/form-data; boundary="${boundary}"`)
      expect(seen?.headers['content-length']).toBe(String(seen?.raw.length))
      expect(seen?.body).toBe(body.replace('\r\nm\r\n', '\r\nreal\r\n'))
    }
  })

  it('without a model uses the default model, and adds the field the target needs', async () => {
    const { send, upstream } = await start(answerJson({ created: 1, data: [{ b64_json: 'aGk=' }] }), {
      models: { 'gpt-image-1': 'up/their-image' },
    })
    const body = field('prompt', 'a cat') + file('x') + END
    expect((await send(body, {}, 'images/edits')).status).toBe(200)
    expect(upstream.seen[0]?.body.endsWith(body)).toBe(true)
    const form = await new Response(upstream.seen[0]?.body ?? '', { headers: { 'content-type': TYPE } }).formData()
    expect([form.get('model'), form.get('prompt')]).toEqual(['their-image', 'a cat'])
  })

  it('keeps every byte of an unusual file name, and leaves checks of the file to the upstream', async () => {
    const invalidFile = answerError(400, 'Invalid file format.', { type: 'invalid_request_error', param: 'file' })
    const { send, upstream } = await start(invalidFile)
    const name = 'C:\\\\näme 👋 \\"quoted\\" %22 %0D%0A \u2028; name=x.txt'
    const body = field('model', 'm') + file('not a sound', name) + END
    expect(await send(body)).toMatchObject({ status: 400, message: 'Invalid file format.', param: 'file' })
    expect(upstream.seen.map(({ body: seen }) => seen)).toEqual([body.replace('\r\nm\r\n', '\r\nreal\r\n')])
  })
})

describe('a form in many chunks', () => {
  const LARGE = field('model', 'm') + file('\r\n--c'.repeat(60_000)) + field('language', 'en') + END

  /** Writes the body in chunks of `size` bytes. Returns the raw response. */
  const trickle = async (port: number, body: string, size: number) => {
    const connection = await begin(port, body.length)
    for (let at = 0; at < body.length; at += size) {
      connection.socket.write(body.slice(at, at + size))
      if (at % (size * 16) === 0) await pause(0)
    }
    while (!connection.text().endsWith('}')) await pause(5)
    connection.socket.destroy()
    return connection.text()
  }

  it.each([7, 1460, 65_536, 200_000])('of %i bytes is sent unchanged, also to the next target', async (size) => {
    const { upstream, port } = await start(inTurn(answerError(503, 'busy'), HEARD), {
      models: { m: ['up/real', 'up/m'] },
      retry: { attempts: 2, minDelayMs: 1 },
    })
    const body = size < 100 ? LARGE.slice(0, 20_000) + LARGE.slice(-100) : LARGE
    expect(await trickle(port, body, size)).toContain('{"text":"hello"}')
    const digests = upstream.seen.map(({ raw }) => createHash('sha256').update(raw).digest('hex'))
    const sent = [body.replace('\r\nm\r\n', '\r\nreal\r\n'), body]
    expect(digests).toEqual(sent.map((text) => createHash('sha256').update(text).digest('hex')))
    expect(upstream.seen.map(({ headers }) => headers['content-length'])).toEqual(sent.map(({ length }) => `${length}`))
  })

  it('equals the same form in one chunk for an idempotency key, and no other form', async () => {
    const { upstream, send, baseURL } = await start(HEARD)
    const headers = { 'idempotency-key': 'once' }
    const inPieces = async (text: string) => {
      const body = new ReadableStream({
        async start(controller) {
          for (let at = 0; at < text.length; at += 50_000) {
            controller.enqueue(Buffer.from(text.slice(at, at + 50_000)))
            await pause(1)
          }
          controller.close()
        },
      })
      const auth = { authorization: `Bearer ${KEY}`, 'content-type': TYPE, ...headers }
      const init = { method: 'POST', headers: auth, body, duplex: 'half' }
      return fetch(`${baseURL}/audio/transcriptions`, init as RequestInit)
    }
    expect((await send(LARGE, headers)).status).toBe(200)
    expect((await inPieces(LARGE)).status).toBe(200)
    expect(upstream.seen).toHaveLength(1)
    expect((await inPieces(LARGE.replace('\r\nen\r\n', '\r\nde\r\n'))).status).toBe(409)
    expect(upstream.seen).toHaveLength(1)
  })

  it('is charged as one file where the provider reports no usage', async () => {
    const records: UsageRecord[] = []
    const plugins = [{ done: (record: UsageRecord) => void records.push(record) }]
    const { send } = await start(HEARD, { plugins, prices: { '*': { input: 1, output: 1 } } })
    expect((await send(LARGE)).status).toBe(200)
    expect(records[0]).toMatchObject({ inputTokens: 1000, estimated: true })
  })
})

describe('maxUploadBytes', () => {
  const LARGE = field('model', 'm') + file('x'.repeat(100_000)) + END

  it('answers 503 to concurrent uploads beyond it, and accepts uploads again afterwards', async () => {
    const slow: Script = (req, res, seen) => void setTimeout(() => HEARD(req, res, seen), 300)
    const { send, upstream } = await start(slow, { maxUploadBytes: 10 * LARGE.length })
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(LARGE)))
    const refused = answers.filter(({ status }) => status === 503)
    expect([refused.length, upstream.seen.length]).toEqual([30, 10])
    expect(refused[0]).toMatchObject({ type: 'server_error', message: expect.stringContaining('too many uploads') })
    const again = await Promise.all(Array.from({ length: 10 }, () => send(LARGE)))
    expect(again.map(({ status }) => status)).toEqual(Array(10).fill(200))
  })

  it('frees the bytes of a client that disconnects or times out', async () => {
    const { send, port, upstream } = await start(HEARD, { maxUploadBytes: LARGE.length })
    const leaving = await begin(port, LARGE.length, LARGE.slice(0, 50_000))
    await pause(30)
    expect((await send(LARGE)).status).toBe(503)
    leaving.socket.destroy()
    await pause(30)
    expect((await send(LARGE)).status).toBe(200)

    const trickling = await begin(port, LARGE.length)
    const timer = setInterval(() => trickling.socket.write('x'), 20)
    await pause(50)
    expect((await send(LARGE)).status).toBe(503)
    expect(await trickling.closed).toMatch(/^HTTP\/1.1 408 /)
    clearInterval(timer)
    expect((await send(LARGE)).status).toBe(200)
    expect(upstream.seen).toHaveLength(2)
  })

  it('frees the bytes after a 413, a 400 and a 404', async () => {
    const { send } = await start(HEARD, {
      maxUploadBytes: LARGE.length,
      maxBodyBytes: LARGE.length,
      models: { m: 'up' },
    })
    for (let turn = 0; turn < 3; turn++) {
      expect((await send(`${LARGE}x`)).status).toBe(413)
      expect((await send(LARGE.slice(0, -10))).status).toBe(400)
      expect((await send(LARGE.replace('\r\nm\r\n', '\r\nn\r\n'))).status).toBe(404)
    }
    expect((await send(LARGE)).status).toBe(200)
  })

  it('counts the body until the answer has ended', async () => {
    let finish = (): void => undefined
    const script: Script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: {"type":"transcript.text.delta","delta":"hel"}\n\n')
      finish = () => void res.end('data: {"type":"transcript.text.done","text":"hello"}\n\n')
    }
    const { send, baseURL, upstream } = await start(script, { maxUploadBytes: LARGE.length + 200 })
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': TYPE }
    const body = field('stream', 'true') + LARGE
    const streaming = await fetch(`${baseURL}/audio/transcriptions`, { method: 'POST', headers, body })
    expect((await send(LARGE)).status).toBe(503)
    finish()
    expect(await streaming.text()).toContain('"hello"')
    upstream.script = HEARD
    expect((await send(LARGE)).status).toBe(200)
  })

  it('counts maxBodyBytes for a compressed body', async () => {
    const slow: Script = (req, res, seen) => void setTimeout(() => HEARD(req, res, seen), 100)
    const { send } = await start(slow, { maxUploadBytes: 2 * MB, maxBodyBytes: MB })
    const packed = gzipSync(LARGE)
    const answers = await Promise.all([1, 2, 3].map(() => send(packed, { 'content-encoding': 'gzip' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503])
  })
})

it('forty concurrent uploads of 20 MB use bounded memory and no disk', async () => {
  const upstream = cleanup.add(await startUpstream(answerJson({})))
  // The upstream drops the bodies, and answers after all uploads have begun.
  upstream.server.removeAllListeners('request')
  upstream.server.on('request', (req, res) => {
    req.resume().on('end', () => setTimeout(() => res.writeHead(200).end('{"text":"hello"}'), 1500))
  })
  const TMPDIR = await mkdtemp(join(tmpdir(), 'modelmount-uploads-'))
  const relay = fork(join(import.meta.dirname, 'upload-relay.mjs'), {
    env: { ...process.env, UPSTREAM: upstream.baseURL, KEY, TMPDIR },
  })
  cleanup.add({ close: () => relay.kill() })
  const [port] = await once(relay, 'message')
  const body = Buffer.from(`${field('model', 'm')}${file('x'.repeat(20 * MB))}${END}`)
  const send = async () => {
    const headers = { authorization: `Bearer ${KEY}`, 'content-type': TYPE }
    const url = `http://127.0.0.1:${port}/v1/audio/transcriptions`
    // A socket may be reset before all is sent to it: then the answer is lost, as to any client that sends on after a 503.
    return fetch(url, { method: 'POST', headers, body }).then(
      ({ status }) => status,
      () => 503,
    )
  }
  const statuses = await Promise.all(Array.from({ length: 40 }, send))
  expect(statuses.filter((status) => status === 200)).toHaveLength(3)
  expect(statuses.filter((status) => status === 503)).toHaveLength(37)
  expect(await send()).toBe(200)
  relay.send('memory')
  const [{ grown, written }] = await once(relay, 'message')
  expect([written, await readdir(TMPDIR)]).toEqual([[], []])
  // Three of them, and pieces that V8 has not swept yet.
  expect(grown).toBeLessThan(160)
  await rm(TMPDIR, { recursive: true })
}, 60_000)
