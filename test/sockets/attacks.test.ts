import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import type { RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { pause } from '../until.js'
import { keepSilent, refuseWith, respond } from './realtime-upstream.js'
import { startSessionHarness } from './session-harness.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const start = (more: Partial<RelayOptions> = {}) => startSessionHarness(cleanup, more)

function handshake(query = '?model=voice', more = ''): string {
  return (
    `GET /v1/realtime${query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nconnection: upgrade\r\n${more}` +
    'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
  )
}

/** A client that writes raw bytes. */
function rawClient(baseURL: string, first: string): { socket: Socket; text: () => string } {
  const socket = connect(Number(new URL(baseURL).port), '127.0.0.1')
  cleanup.add({ close: async () => void socket.destroy() })
  let text = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.write(first)
  return { socket, text: () => text }
}

const sendEvent = (to: WebSocket | undefined, event: object): void => to?.send(JSON.stringify(event))

describe('a handshake', () => {
  it('has no header injected by a model name', async () => {
    const { baseURL, upstream } = await start({ models: { 'up/*': 'up' } })
    const { text } = rawClient(baseURL, handshake('?model=up/x%0d%0aset-cookie:%20a=b%0d%0ax-%c3%bcnder:%20c'))
    await expect.poll(text).toContain('session.created')
    expect(text()).not.toMatch(/^set-cookie/im)
    expect(upstream.handshakes).toHaveLength(1)
  })

  it.each([
    ['without sec-websocket-accept', 'HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    [
      'with a wrong sec-websocket-accept',
      'HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: abc\r\n\r\n',
    ],
    ['with another protocol', 'HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
    ['without the upgrade header', 'HTTP/1.1 101 Yes\r\nconnection: upgrade\r\n\r\n'],
    ['with a response that is not HTTP', 'HELLO\r\n\r\n'],
    ['with too many headers', `HTTP/1.1 101 Yes\r\n${'x-filler: y\r\n'.repeat(20_000)}\r\n`],
    ['with 200', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'],
    ['with 204', 'HTTP/1.1 204 None\r\n\r\n'],
    ['with 302', 'HTTP/1.1 302 Away\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'],
    ['with a truncated error', 'HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\nhalf'],
    ['with a chunked error', 'HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n'],
  ])('that a provider answers %s fails over to the next target', async (_name, answer) => {
    const { open, upstream, other } = await start()
    upstream.refuse = (_req, socket) => {
      socket.on('error', () => undefined)
      socket.end(answer)
    }
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    expect(other.heard).toHaveLength(1)
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })

  it('succeeds after early hints', async () => {
    const { open, upstream } = await start()
    const { listeners } = upstream.server as unknown as { listeners: (name: string) => unknown[] }
    expect(listeners.call(upstream.server, 'upgrade')).toHaveLength(1)
    upstream.server.prependListener('upgrade', (_req, socket: Duplex) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n')
    })
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
  })

  it('with an endless error body is aborted', async () => {
    const { refused, upstream, other } = await start({
      retry: { attempts: 1 },
    })
    other.refuse = keepSilent
    upstream.refuse = (_req, socket) => {
      socket.on('error', () => undefined)
      socket.write('HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n')
      const more = setInterval(() => socket.write('4000\r\n'.concat('x'.repeat(0x4000), '\r\n')), 5)
      socket.on('close', () => clearInterval(more))
    }
    expect((await refused()).status).toBe(400)
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })

  it('starts a cooldown until the date in Retry-After', async () => {
    const { refused, upstream, other } = await start({ retry: { minDelayMs: 10, maxDelayMs: 20 } })
    const date = new Date(Date.now() + 30_000).toUTCString()
    upstream.refuse = refuseWith(429, 'slow down', `retry-after: ${date}\r\ndate: ${new Date().toUTCString()}\r\n`)
    other.refuse = upstream.refuse
    const no = await refused()
    expect(no.status).toBe(429)
    expect(Number(no.headers['retry-after'])).toBeGreaterThan(20)
  })

  it('of another origin cannot use the host’s session by adding a key of its own', async () => {
    const { open, refused, baseURL } = await start({
      authenticate: ({ headers }) => (headers.cookie === 'session=1' ? { id: 'user' } : undefined),
      cors: { origins: ['https://friend.example'] },
    })
    const by = (origin: string) => ({ headers: { cookie: 'session=1', origin } })
    const stranger = by('https://stranger.example')
    expect((await refused('?model=voice&key=anything', stranger)).status).toBe(401)
    const protocols = ['realtime', 'openai-insecure-api-key.anything']
    expect((await refused('?model=voice', { ...stranger, protocols })).status).toBe(401)
    expect((await refused('?model=voice', stranger)).status).toBe(403)
    // A valid key of the relay is accepted from any origin.
    await open(`?model=voice&key=${KEY}`, stranger)
    await open('?model=voice', { ...stranger, protocols: ['realtime', `openai-insecure-api-key.${KEY}`] })
    await open('?model=voice&key=anything', by('https://friend.example'))
    await open('?model=voice&key=anything', by(new URL(baseURL).origin))
  })
})

describe('a client that disconnects early', () => {
  it.each(['resets', 'ends'])('reaches no provider when it %s during authenticate', async (how) => {
    let letIn = (): void => undefined
    let asked = 0
    const { baseURL, upstream, records, relay } = await start({
      keys: [],
      async authenticate() {
        asked++
        await new Promise<void>((resolve) => {
          letIn = resolve
        })
        return { id: 'user', limits: { concurrency: 1 } }
      },
    })
    const { socket } = rawClient(baseURL, handshake())
    await expect.poll(() => asked).toBe(1)
    if (how === 'resets') socket.resetAndDestroy()
    else socket.end()
    await pause(50)
    letIn()
    await pause(150)
    expect(upstream.open.size).toBe(0)
    expect(upstream.handshakes).toHaveLength(0)
    await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['left'])
    await relay.close()
  })

  it.each(['resets', 'ends'])('causes no handshake when it %s during a plugin’s admitted hook', async (how) => {
    let letIn = (): void => undefined
    const records: string[] = []
    const { baseURL, upstream } = await start({
      plugins: [
        { admitted: () => new Promise<void>((resolve) => (letIn = resolve)) },
        { done: ({ outcome }) => void records.push(outcome) },
      ],
    })
    const { socket } = rawClient(baseURL, handshake())
    await pause(100)
    if (how === 'resets') socket.resetAndDestroy()
    else socket.end()
    await pause(50)
    letIn()
    await expect.poll(() => records).toEqual(['left'])
    expect(upstream.handshakes).toHaveLength(0)
  })

  it('gets no message of an error that authenticate throws', async () => {
    const { refused } = await start({
      authenticate: () => {
        throw new Error('secret of the host')
      },
    })
    const no = await refused()
    expect([no.status, no.body.includes('secret')]).toEqual([500, false])
  })
})

describe('models', () => {
  const keys = [{ id: 'alice', key: KEY, models: ['voice', 'scribe', 'gpt-4o-transcribe'] }]

  it.each([
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{}}},"input_audio_transcription":{"model":"text"}}}',
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"scribe"}}},"input_audio_transcription":{"model":"text"}}}',
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"text"}}},"session":1}}',
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":["text"]}}}}}',
    '{"type":"session.update","session":{"mod\\u0065l":"text"}}',
    '{"type":"session.update","session":{"input_audio_transcription":{"model":"\\u0074ext"}}}',
  ])('are checked in every field that names one: %s', async (message) => {
    const { open, upstream } = await start({ keys })
    const client = await open()
    client.send(message)
    await expect.poll(() => client.of('error')).toMatchObject([{ error: { code: 'model_not_found' } }])
    expect(upstream.heard).toHaveLength(0)
  })

  it.each([
    '{"type":"session.update","session":{"model":"text","model":"gpt-realtime"}}',
    '{"type":"session.update","session":{"model":"text"},"session":{}}',
    '{"type":"session.update","session":{"mod\\u0065l":"text"},"session":{}}',
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"text"}}},"audio":{}}}',
    '{"type":"response.create","response":{"model":"text"},"response":{}}',
    '{"type":"response.create","type":"session.update","session":{}}',
  ])('are the same for every parser of the message: %s', async (message) => {
    const { open, upstream } = await start({ keys })
    const client = await open()
    const [there] = upstream.open
    const raw: string[] = []
    there?.on('message', (bytes) => raw.push(String(bytes)))
    client.send(message)
    client.send({ type: 'input_audio_buffer.clear' })
    await expect.poll(() => raw.at(-1) ?? '').toContain('clear')
    expect(raw.join()).not.toMatch(/"text"|response\.create","type/)
  })
})

describe('answers', () => {
  const slow = (): { plugin: object; letIn: () => void; asked: () => number } => {
    const waiting: (() => void)[] = []
    let asked = 0
    return {
      plugin: {
        admitted: ({ operation }: { operation: string }) => {
          if (operation !== 'realtime') return
          asked++
          return new Promise<void>((resolve) => void waiting.push(resolve))
        },
      },
      letIn: () => waiting.splice(0).forEach((go) => void go()),
      asked: () => asked,
    }
  }

  it.each(['provider', 'client', 'relay'])(
    'that are admitted after the %s has disconnected are not requested',
    async (who) => {
      const { plugin, letIn, asked } = slow()
      const records: string[] = []
      const done = {
        done: ({ operation, outcome }: { operation: string; outcome: string }) =>
          void records.push(`${operation} ${outcome}`),
      }
      const { open, upstream, relay } = await start({
        plugins: [plugin, done],
        prices: { 'gpt-realtime': { input: 1, output: 1 } },
        keys: [{ id: 'alice', key: KEY, budget: { usd: 10 } }],
        sockets: { idleMs: who === 'relay' ? 100 : 10_000 },
      })
      const client = await open()
      client.send({ type: 'response.create' })
      await expect.poll(asked).toBe(1)
      if (who === 'provider') for (const one of upstream.open) one.terminate()
      if (who === 'client') client.socket.terminate()
      await expect.poll(() => records.length, { timeout: 3000 }).toBe(1)
      letIn()
      await expect.poll(() => records.length).toBe(2)
      const balance = await relay.balance('key:alice')
      expect(balance).toMatchObject({ spent: 0 })
      expect(JSON.stringify(balance)).not.toMatch(/"(held|reserved)":[1-9]/)
      const closing = performance.now()
      await relay.close()
      expect(performance.now() - closing).toBeLessThan(2000)
    },
  )

  it('are limited in number while none has finished', async () => {
    const { open, upstream } = await start()
    upstream.answer = () => undefined
    const client = await open()
    for (let asked = 0; asked < 20; asked++) client.send({ type: 'response.create' })
    await expect.poll(() => client.of('error').length).toBe(4)
    expect(client.of('error')[0]).toMatchObject({ error: { code: 'rate_limit_exceeded' } })
    expect(upstream.heard).toHaveLength(16)
  })

  it('are not settled by an error about another event', async () => {
    const { open, records, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 2 } }] })
    const client = await open()
    upstream.answer = (to, { type, event_id }) => {
      if (type === 'session.update') sendEvent(to, { type: 'error', error: { message: 'no', event_id } })
      if (type === 'response.create') setTimeout(() => respond(to), 50)
    }
    client.send({ type: 'response.create', event_id: 'mine' })
    client.send({ type: 'session.update', event_id: 'other', session: {} })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    await expect.poll(() => records).toMatchObject([{ outcome: 'complete' }])
    expect(client.of('error')).toHaveLength(1)
  })

  it('that begin twice are recorded once', async () => {
    const { open, records, upstream } = await start()
    upstream.answer = (to) => {
      const response = { id: 'resp_1' }
      sendEvent(to, { type: 'response.created', response })
      sendEvent(to, { type: 'response.created', response })
      sendEvent(to, {
        type: 'response.done',
        response: { ...response, status: 'completed', usage: { input_tokens: 1, output_tokens: 1 } },
      })
    }
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    client.socket.close()
    await expect.poll(() => records.map(({ operation }) => operation)).toEqual(['realtime', 'session'])
  })

  it.each(['completed', 'failed', 'cancelled'])(
    'that are %s without usage are charged by their events',
    async (status) => {
      const { open, records, upstream } = await start()
      upstream.answer = (to) => {
        sendEvent(to, { type: 'response.created', response: { id: 'r' } })
        for (let piece = 0; piece < 5; piece++)
          sendEvent(to, { type: 'response.output_text.delta', response_id: 'r', delta: 'x' })
        sendEvent(to, { type: 'response.done', response: { id: 'r', status, usage: null } })
      }
      const client = await open()
      client.send({ type: 'response.create', response: { instructions: 'x'.repeat(4000) } })
      await expect.poll(() => records).toMatchObject([{ operation: 'realtime', estimated: true, outputTokens: 5 }])
      expect(records[0]?.inputTokens).toBeGreaterThan(500)
    },
  )

  it('that are aborted count the conversation so far as input', async () => {
    const { open, records, upstream } = await start()
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    upstream.answer = (to) => sendEvent(to, { type: 'response.created', response: { id: 'r' } })
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.created').length).toBe(2)
    client.socket.terminate()
    await expect.poll(() => records.length).toBe(3)
    expect(records[1]).toMatchObject({ outcome: 'left', estimated: true, outputTokens: 0 })
    // 20 input and 10 output tokens of the first answer, and the event that requests the second.
    expect(records[1]?.inputTokens).toBe(30 + Math.ceil('{"type":"response.create"}'.length / 4))
  })

  it('that are refused while the relay closes do not delay it', async () => {
    const { open, upstream, relay } = await start({ shutdownMs: 5000 })
    upstream.answer = (to, { type }) => {
      if (type === 'response.create') setTimeout(() => respond(to), 300)
    }
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => upstream.heard.length).toBe(1)
    const began = performance.now()
    const closing = relay.close()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('error').length).toBe(1)
    await closing
    expect(performance.now() - began).toBeLessThan(2000)
    expect((await client.closed).code).toBe(1001)
    expect(client.of('response.done')).toHaveLength(1)
  })
})

describe('frames', () => {
  it('of the relay follow a ping within a message', async () => {
    const { open, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 1 } }] })
    const client = await open()
    const [there] = upstream.open
    there?.send('{"type":"response.output', { fin: false })
    await pause(50)
    client.send({ type: 'response.create' })
    await pause(50)
    // One chunk: the end of a message, the beginning of another, and a ping.
    const frame = (first: number, text: string) => Buffer.concat([Buffer.from([first, text.length]), Buffer.from(text)])
    const { _socket: socket } = there as unknown as { _socket: Socket }
    socket.write(
      Buffer.concat([frame(0x80, '_text.delta"}'), frame(0x01, '{"type":'), frame(0x89, 'ping ping ping ping')]),
    )
    await pause(50)
    socket.write(frame(0x80, '"after"}'))
    await expect
      .poll(() => client.events.map(({ type }) => type))
      .toEqual(['session.created', 'response.output_text.delta', 'error', 'after'])
  })

  it('with errors wait for a client that sends and does not read', async () => {
    const { baseURL } = await start()
    const { socket, text } = rawClient(baseURL, handshake())
    await expect.poll(text).toContain('session.created')
    socket.pause()
    const message = Buffer.from('response.create')
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | message.length, 0, 0, 0, 0]), message])
    const many = Buffer.concat(Array<Buffer>(1000).fill(frame))
    let sent = 0
    for (let round = 0; round < 100; round++) {
      // As long as the relay reads on.
      for (let at = 0; at < 20 && !socket.writableNeedDrain; at++, sent++) socket.write(many)
      await pause(5)
    }
    expect(sent).toBeLessThan(1000)
    socket.resume()
    await once(socket, 'drain')
  })

  it('after the close frame are not buffered', async () => {
    const { baseURL, upstream } = await start()
    const { socket, text } = rawClient(baseURL, handshake())
    await expect.poll(text).toContain('session.created')
    for (const one of upstream.open) one.terminate()
    const before = process.memoryUsage().arrayBuffers
    const rest = Buffer.concat([
      Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0]),
      Buffer.alloc(2 ** 20),
    ])
    let most = 0
    for (let at = 0; at < 100; at++) {
      if (!socket.writableNeedDrain) socket.write(rest)
      await pause(5)
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(most).toBeLessThan(24 * 2 ** 20)
  })
})
