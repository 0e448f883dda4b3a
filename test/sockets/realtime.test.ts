import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { OpenAIRealtimeWS } from 'openai/realtime/ws'
import { afterEach, describe, expect, it } from 'vitest'
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws'
import type { RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { KEY } from '../test-relay.js'
import { openWebSocket, type RefusedHandshake } from './open-web-socket.js'
import { keepSilent, refuseWith, respond, startRealtime } from './realtime-upstream.js'
import { startSessionHarness } from './session-harness.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** The client insists on `wss:`. */
function withoutTls(baseURL: string): ClientOptions {
  return { createConnection: () => connect(Number(new URL(baseURL).port), '127.0.0.1') }
}

const start = (more: Partial<RelayOptions> = {}) => startSessionHarness(cleanup, more)

describe('a realtime session', () => {
  it('works with OpenAI’s official client', async () => {
    const { openai, upstream, records, baseURL } = await start()
    const session = new OpenAIRealtimeWS({ model: 'voice', options: withoutTls(baseURL) }, openai)
    const text = await new Promise<string>((resolve, reject) => {
      let whole = ''
      session.on('error', reject)
      session.on('session.created', () => session.send({ type: 'response.create' }))
      session.on('response.output_text.delta', ({ delta }) => {
        whole += delta
      })
      session.on('response.done', () => resolve(whole))
    })
    expect(text).toBe('hello')
    session.close()
    await expect.poll(() => records.length).toBe(2)
    const [handshake] = upstream.handshakes
    expect(handshake?.url).toBe('/v1/realtime?model=gpt-realtime')
    expect(handshake?.headers.authorization).toBe('Bearer sk-upstream-secret')
    expect(JSON.stringify(handshake?.rawHeaders)).not.toContain(KEY)
    expect(records).toMatchObject([
      {
        operation: 'realtime',
        model: 'voice',
        target: 'up/gpt-realtime',
        outcome: 'complete',
        inputTokens: 20,
        cachedInputTokens: 6,
        outputTokens: 10,
        estimated: false,
        // By the catalogue, in USD a million: text 4, cached 0.4, sound 32, cached 0.4, written text 16, sound 64.
        costNanos: 4 * 4000 + 4 * 400 + 10 * 32_000 + 2 * 400 + 3 * 16_000 + 7 * 64_000,
      },
      { operation: 'session', model: 'voice', outcome: 'complete', status: 101, costNanos: 0 },
    ])
  })

  it('accepts the key as a subprotocol, and hides it from the provider', async () => {
    const { open, upstream } = await start()
    const protocols = [
      'realtime',
      `openai-insecure-api-key.${KEY}`,
      'openai-organization.org-1',
      'openai-beta.realtime-v1',
    ]
    const client = await open('?model=voice', { protocols })
    expect(client.socket.protocol).toBe('realtime')
    const [handshake] = upstream.handshakes
    expect(handshake?.headers['sec-websocket-protocol']).toBe('realtime, openai-beta.realtime-v1')
    expect(JSON.stringify(handshake?.rawHeaders)).not.toContain(KEY)
  })

  it('passes on only the headers and parameters of the handshake', async () => {
    const { open, upstream } = await start()
    const headers = {
      authorization: `Bearer ${KEY}`,
      cookie: 'session=1',
      expect: '100-continue',
      'x-forwarded-for': '10.1.2.3',
      'openai-organization': 'org-1',
      'openai-beta': 'realtime=v1',
      'proxy-authorization': 'Basic x',
    }
    await open('?model=voice&key=sk-in-query&intent=conversation&api-version=x&deployment=y', { headers })
    const [handshake] = upstream.handshakes
    expect(handshake?.url).toBe('/v1/realtime?model=gpt-realtime&intent=conversation')
    expect(Object.keys(handshake?.headers ?? {}).sort()).toEqual([
      'authorization',
      'connection',
      'host',
      'openai-beta',
      'sec-websocket-key',
      'sec-websocket-version',
      'upgrade',
    ])
  })

  it('answers with the target and the limits, and no header of the provider', async () => {
    const { baseURL } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 5 } }] })
    const socket = new WebSocket(`${baseURL.replace('http', 'ws')}/realtime?model=voice`, {
      headers: { authorization: `Bearer ${KEY}` },
    })
    const [answer] = (await once(socket, 'upgrade')) as [IncomingMessage]
    expect(Object.keys(answer.headers).sort()).toEqual([
      'connection',
      'sec-websocket-accept',
      'upgrade',
      'x-modelmount-target',
      'x-ratelimit-limit-requests',
      'x-ratelimit-remaining-requests',
      'x-ratelimit-reset-requests',
      'x-request-id',
    ])
    expect(answer.headers['x-modelmount-target']).toBe('up/gpt-realtime')
    socket.terminate()
  })

  it.each([
    ['a wrong key', '?model=voice', 'Bearer sk-wrong', 401, 'invalid_api_key'],
    ['no key', '?model=voice', '', 401, 'invalid_api_key'],
    ['an unknown model', '?model=nothing', undefined, 404, 'model_not_found'],
    ['no model', '', undefined, 400, 'missing_required_parameter'],
  ])('is refused before a handshake with any provider: %s', async (_name, query, authorization, status, code) => {
    const { refused, upstream } = await start()
    const headers = { authorization: authorization ?? `Bearer ${KEY}` }
    const no = await refused(query, { headers })
    expect([no.status, (JSON.parse(no.body) as { error: { code: string } }).error.code]).toEqual([status, code])
    expect(upstream.handshakes).toHaveLength(0)
  })

  it('is refused for a model without a realtime API', async () => {
    const { refused } = await start({
      providers: { claude: { type: 'anthropic', baseURL: 'http://127.0.0.1:9', apiKey: 'sk-upstream-secret' } },
      models: { voice: 'claude/claude-opus-4' },
    })
    expect((await refused()).status).toBe(400)
  })

  it('occupies one concurrency slot for its duration, and its answers need none', async () => {
    const { open, refused, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { concurrency: 1 } }] })
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    expect((await refused()).status).toBe(429)
    client.socket.close()
    await expect
      .poll(() =>
        open().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
    expect(upstream.handshakes).toHaveLength(2)
  })

  it('counts each answer as a request, and refuses one beyond the limit with an event', async () => {
    const { open, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 2 } }] })
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    client.send({ type: 'response.create', event_id: 'mine' })
    await expect
      .poll(() => client.of('error'))
      .toMatchObject([{ type: 'error', error: { code: 'rate_limit_exceeded', event_id: 'mine' } }])
    client.send({ type: 'input_audio_buffer.clear' })
    await expect
      .poll(() => upstream.heard.map(({ type }) => type))
      .toEqual(['response.create', 'input_audio_buffer.clear'])
    expect(client.socket.readyState).toBe(WebSocket.OPEN)
  })

  it('is closed when its provider sends unrequested answers beyond the limits', async () => {
    const { open, upstream, records } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 2 } }] })
    const client = await open()
    client.send({ type: 'input_audio_buffer.commit' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    expect(records).toMatchObject([{ operation: 'realtime', inputTokens: 20, outputTokens: 10 }])
    client.send({ type: 'input_audio_buffer.commit' })
    expect((await client.closed).code).toBe(1008)
    expect(client.of('error')).toMatchObject([{ error: { code: 'rate_limit_exceeded' } }])
    await expect.poll(() => upstream.open.size).toBe(0)
  })

  it('charges a budget with the provider’s usage', async () => {
    const { open, relay, upstream } = await start({
      prices: { 'gpt-realtime': { input: 10_000, output: 10_000 } },
      keys: [{ id: 'alice', key: KEY, budget: { usd: 10.5 } }],
    })
    const client = await open()
    client.send({ type: 'response.create', response: { max_output_tokens: 5 } })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    await expect.poll(async () => (await relay.balance('key:alice')).spent).toBe(0.3 * 1e9)
    // The estimate of the next answer exceeds the rest: 1000 output tokens, its event, and the conversation so far.
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('error').length).toBe(1)
    expect(client.of('error')).toMatchObject([{ error: { code: 'insufficient_quota' } }])
    expect(upstream.heard).toHaveLength(1)
  })

  it('refuses another model, and transcription by a model that the caller may not use', async () => {
    const keys = [{ id: 'alice', key: KEY, models: ['voice', 'scribe'] }]
    const { open, upstream } = await start({ keys })
    const client = await open()
    const transcription = (model: string) => ({
      type: 'session.update',
      session: { audio: { input: { transcription: { model, language: 'de' } } } },
    })
    client.send({ type: 'session.update', event_id: 'e1', session: { model: 'text' } })
    client.send({ ...transcription('text'), event_id: 'e2' })
    client.send({ type: 'session.update', event_id: 'e3', session: { input_audio_transcription: { model: 'text' } } })
    await expect
      .poll(() => client.of('error'))
      .toMatchObject(['e1', 'e2', 'e3'].map((event_id) => ({ error: { code: 'model_not_found', event_id } })))
    client.send(transcription('scribe'))
    client.send({ type: 'session.update', session: { model: 'voice', instructions: 'héllo' } })
    await expect
      .poll(() => upstream.heard)
      .toEqual([
        transcription('gpt-4o-transcribe'),
        { type: 'session.update', session: { model: 'gpt-realtime', instructions: 'héllo' } },
      ])
  })

  it('charges transcription at the price of its model', async () => {
    const { open, records, upstream } = await start()
    const client = await open('?intent=transcription&model=scribe')
    expect(upstream.handshakes[0]?.url).toBe('/v1/realtime?model=gpt-4o-transcribe&intent=transcription')
    upstream.answer = (to, event) => {
      const session = { audio: { input: { transcription: { model: 'gpt-4o-transcribe' } } } }
      if (event.type === 'session.update') to.send(JSON.stringify({ type: 'session.updated', session }))
      const usage = {
        type: 'tokens',
        input_tokens: 100,
        input_token_details: { audio_tokens: 100, text_tokens: 0 },
        output_tokens: 10,
      }
      const type = 'conversation.item.input_audio_transcription.completed'
      if (event.type === 'input_audio_buffer.commit') to.send(JSON.stringify({ type, transcript: 'hi', usage }))
    }
    client.send({ type: 'session.update', session: {} })
    await expect.poll(() => client.of('session.updated').length).toBe(1)
    client.send({ type: 'input_audio_buffer.commit' })
    await expect.poll(() => records.length).toBe(1)
    expect(records).toMatchObject([
      { operation: 'realtime', target: 'up/gpt-4o-transcribe', inputTokens: 100, costNanos: 100 * 6000 + 10 * 10_000 },
    ])
  })

  it('gives back the tokens of a refused answer', async () => {
    const { open, records, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { tpm: 2000 } }] })
    upstream.answer = (to, { event_id }) =>
      to.send(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: 'no', event_id } }))
    const client = await open()
    for (const event_id of ['e1', 'e2', 'e3', 'e4']) {
      client.send({ type: 'response.create', event_id })
      await expect.poll(() => client.of('error').length).toBe(Number(event_id[1]))
      await expect.poll(() => records.length).toBe(Number(event_id[1]))
    }
    expect(records.map(({ outcome, costNanos }) => [outcome, costNanos])).toEqual(Array(4).fill(['failed', 0]))
    expect(upstream.heard).toHaveLength(4)
  })
})

describe('handshakes with providers', () => {
  it.each([
    ['is down', undefined],
    ['answers 429', refuseWith(429, 'slow down', 'retry-after: 7\r\n')],
    ['refuses the key', refuseWith(401, 'Incorrect API key provided: sk-upstream-secret')],
    ['answers 500', refuseWith(500, 'oops')],
    ['hangs up', (_req: unknown, socket: Duplex) => void socket.destroy()],
  ])('fail over to the next target when the first %s', async (_name, refuse) => {
    const { open, upstream, other } = await start()
    if (refuse) upstream.refuse = refuse
    else await upstream.close()
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
    expect(other.heard).toHaveLength(1)
  })

  it('that all fail return the last error, without the provider’s secrets', async () => {
    const { refused, upstream, other, records } = await start()
    upstream.refuse = refuseWith(401, 'Incorrect API key provided: sk-upstream-secret')
    other.refuse = refuseWith(500, 'broken at 10.0.0.1')
    const no = await refused()
    expect(no.status).toBe(500)
    expect(no.headers['x-modelmount-attempts']).toMatch('up/gpt-realtime 401, other/gpt-realtime 500')
    expect(no.headers['set-cookie']).toBe(undefined)
    expect(no.body).not.toMatch(/sk-upstream|10\.0/)
    expect(records).toMatchObject([{ operation: 'session', outcome: 'failed', costNanos: 0 }])
  })

  it('that the provider answers with 400 return that error without failover', async () => {
    const { refused, upstream, other } = await start()
    upstream.refuse = refuseWith(400, 'The model `gpt-realtime` does not have that.')
    const no = await refused()
    expect([no.status, no.body]).toEqual([400, expect.stringContaining('does not have that')])
    expect(other.handshakes).toHaveLength(0)
  })

  it('time out when the provider is silent', async () => {
    const place = (baseURL: string) => ({
      type: 'openai-compatible',
      baseURL,
      apiKey: 'sk-upstream-secret',
      timeouts: { headersMs: 100 },
    })
    const silent = cleanup.add(await startRealtime())
    silent.refuse = keepSilent
    const { refused } = await start({ providers: { up: place(silent.baseURL) }, models: { voice: 'up/gpt-realtime' } })
    expect((await refused()).status).toBe(504)
    await expect.poll(() => silent.sockets.size).toBe(0)
  })

  it('are aborted when the client disconnects', async () => {
    const { baseURL, upstream, records } = await start()
    upstream.refuse = keepSilent
    const socket = connect(Number(new URL(baseURL).port), '127.0.0.1')
    socket.write(
      `GET /v1/realtime?model=voice HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nconnection: upgrade\r\n` +
        'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    )
    await expect.poll(() => upstream.handshakes.length).toBe(1)
    socket.destroy()
    await expect.poll(() => records).toMatchObject([{ operation: 'session', outcome: 'left' }])
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })
})

describe('the end of a session', () => {
  it('comes with an error when the provider’s connection breaks', async () => {
    const { open, upstream, records } = await start()
    upstream.answer = (to, { type }) => {
      if (type !== 'response.create') return
      to.send(JSON.stringify({ type: 'response.created', response: { id: 'resp_x' } }))
      to.send(JSON.stringify({ type: 'response.output_text.delta', response_id: 'resp_x', delta: 'half' }))
      setTimeout(() => to.terminate(), 20)
    }
    const client = await open()
    client.send({ type: 'response.create' })
    expect((await client.closed).code).toBe(1011)
    expect(client.of('error')).toMatchObject([
      { error: { type: 'server_error', message: expect.stringContaining('broke off') } },
    ])
    expect(records).toMatchObject([
      { operation: 'realtime', outcome: 'cut', estimated: true, outputTokens: 1 },
      { operation: 'session', outcome: 'cut' },
    ])
  })

  it('frees everything when the client’s connection breaks', async () => {
    const { open, upstream, records } = await start()
    upstream.answer = (to, { type }) => {
      if (type === 'response.create') to.send(JSON.stringify({ type: 'response.created', response: { id: 'resp_x' } }))
    }
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.created').length).toBe(1)
    client.socket.terminate()
    await expect
      .poll(() => records)
      .toMatchObject([
        { operation: 'realtime', outcome: 'left' },
        { operation: 'session', outcome: 'left' },
      ])
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })

  it('passes each side’s close code and reason on', async () => {
    const { open, upstream, records } = await start()
    const first = await open()
    for (const one of upstream.open) one.close(4001, 'the provider has had enough')
    expect(await first.closed).toEqual({ code: 4001, reason: 'the provider has had enough' })
    const second = await open()
    const [there] = upstream.open
    const closed = once(there as WebSocket, 'close')
    second.socket.close(4002, 'the client has had enough')
    expect((await closed).map(String)).toEqual(['4002', 'the client has had enough'])
    await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['complete', 'complete'])
  })

  it('comes after idleMs without messages, and after totalMs', async () => {
    const idle = await start({ sockets: { idleMs: 150 } })
    const client = await idle.open()
    expect(await client.closed).toEqual({ code: 1001, reason: 'There was no message for too long.' })
    await expect.poll(() => idle.upstream.sockets.size).toBe(0)
    const old = await start({ sockets: { totalMs: 300 } })
    const other = await old.open()
    const talking = setInterval(() => other.send({ type: 'input_audio_buffer.append', audio: '' }), 20)
    expect(await other.closed).toMatchObject({ code: 1001, reason: expect.stringContaining('the maximum time') })
    clearInterval(talking)
  })

  it('waits for a running answer when the relay closes', async () => {
    const { open, relay, upstream, records } = await start()
    const idle = await open()
    const busy = await open()
    upstream.answer = (to, { type }) => {
      if (type === 'response.create') setTimeout(() => respond(to), 200)
    }
    busy.send({ type: 'response.create' })
    await expect.poll(() => upstream.heard.length).toBe(1)
    const closing = relay.close()
    expect((await idle.closed).code).toBe(1001)
    expect(busy.of('response.done')).toHaveLength(0)
    expect((await busy.closed).code).toBe(1001)
    expect(busy.of('response.done')).toHaveLength(1)
    await closing
    expect(records).toMatchObject([
      { operation: 'session' },
      { operation: 'realtime', outcome: 'complete' },
      { operation: 'session' },
    ])
  })

  it('waits at most shutdownMs when the relay closes', async () => {
    const { open, relay, upstream } = await start({ shutdownMs: 100 })
    upstream.answer = () => undefined
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => upstream.heard.length).toBe(1)
    await relay.close()
    expect((await client.closed).code).toBe(1001)
    await expect.poll(() => upstream.sockets.size).toBe(0)
  })
})

describe('messages', () => {
  it('that are not JSON objects are refused, since other parsers might accept them', async () => {
    const { open, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 2 } }] })
    const client = await open()
    client.send('{"type":"response.create","x":NaN}')
    client.send('["response.create"]')
    await expect.poll(() => client.of('error').length).toBe(2)
    client.send(Buffer.from('{"type":"response.\\u0063reate"}'))
    await expect.poll(() => client.of('response.done').length).toBe(1)
    client.send('{"type":"response.\\u0063reate"}')
    await expect.poll(() => client.of('error').length).toBe(3)
    expect(upstream.heard).toHaveLength(1)
  })

  it('pass unchanged in any number of frames', async () => {
    const { open, upstream } = await start()
    const client = await open()
    const audio = 'A'.repeat(700_000)
    client.socket.send('{"type":"input_audio_buffer.append",', { fin: false })
    client.socket.ping()
    client.socket.send('"audio":"', { fin: false })
    client.socket.send(`${audio}"}`, { fin: true })
    for (let size = 0; size < 300; size++) client.send({ type: 'input_audio_buffer.append', audio: 'B'.repeat(size) })
    await expect.poll(() => upstream.heard.length).toBe(301)
    expect(upstream.heard[0]).toEqual({ type: 'input_audio_buffer.append', audio })
    expect(upstream.heard.slice(1).map(({ audio: sound }) => String(sound).length)).toEqual(
      Array.from({ length: 300 }, (_, at) => at),
    )
  })

  it('above maxBodyBytes end the session', async () => {
    const { open, upstream } = await start({ maxBodyBytes: 10_000 })
    const client = await open()
    client.send({ type: 'input_audio_buffer.append', audio: 'A'.repeat(20_000) })
    expect((await client.closed).code).toBe(1009)
    expect(upstream.heard).toHaveLength(0)
  })

  it('of the relay wait for the end of the provider’s message', async () => {
    const { open, upstream } = await start({ keys: [{ id: 'alice', key: KEY, limits: { rpm: 1 } }] })
    const client = await open()
    const [there] = upstream.open
    there?.send('{"type":"response.output_text.delta",', { fin: false })
    await new Promise((resolve) => setTimeout(resolve, 50))
    client.send({ type: 'response.create' })
    await new Promise((resolve) => setTimeout(resolve, 50))
    there?.send('"delta":"x"}', { fin: true })
    await expect.poll(() => client.of('error').length).toBe(1)
    there?.send('{"type":"after"}')
    await expect
      .poll(() => client.events.map(({ type }) => type))
      .toEqual(['session.created', 'response.output_text.delta', 'error', 'after'])
  })

  it('wait for a client or a provider that does not read', async () => {
    const { open, upstream } = await start()
    const client = await open()
    client.socket.pause()
    const [there] = upstream.open
    const before = process.memoryUsage().rss
    const delta = 'x'.repeat(65_536)
    for (let sent = 0; sent < 1600; sent++) there?.send(JSON.stringify({ type: 'response.output_text.delta', delta }))
    await new Promise((resolve) => setTimeout(resolve, 500))
    // The scripted provider buffers the rest in the memory of this process.
    expect(there?.bufferedAmount).toBeGreaterThan(50 * 2 ** 20)
    client.socket.resume()
    await expect.poll(() => client.of('response.output_text.delta').length, { timeout: 20_000 }).toBe(1600)
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30)
  })
})

describe('an upgrade request', () => {
  it('for another path goes to the host’s listener, or is refused without one', async () => {
    const { refused, server, baseURL } = await start()
    expect(
      (await openWebSocket(`${baseURL}/elsewhere`).catch((error: RefusedHandshake) => error)) as RefusedHandshake,
    ).toMatchObject({
      status: 404,
    })
    const own = new WebSocketServer({ noServer: true })
    server.on('upgrade', (req, socket, head) => {
      if (req.url === '/chat') own.handleUpgrade(req, socket, head, (client) => client.send('{"type":"host"}'))
    })
    const client = await openWebSocket(baseURL.replace('/v1', '/chat'))
    await expect.poll(() => client.events).toEqual([{ type: 'host' }])
    client.socket.terminate()
    expect((await refused('?model=nothing')).status).toBe(404)
  })

  it('with a session cookie is refused from another origin', async () => {
    const { refused, baseURL, open } = await start({
      authenticate: (request) => (request.headers.cookie === 'session=1' ? { id: 'user' } : undefined),
      cors: { origins: ['https://friend.example'] },
    })
    const by = (origin: string) => ({ headers: { cookie: 'session=1', origin } })
    expect((await refused('?model=voice', by('https://stranger.example'))).status).toBe(403)
    expect((await refused('?model=voice', by('null'))).status).toBe(403)
    await open('?model=voice', by('https://friend.example'))
    await open('?model=voice', by(new URL(baseURL).origin))
    await open('?model=voice', { headers: { cookie: 'session=1' } })
    await open('?model=voice', { headers: { origin: 'https://stranger.example', authorization: `Bearer ${KEY}` } })
  })

  it('with any bytes after it crashes nothing', async () => {
    const { baseURL, open } = await start()
    const port = Number(new URL(baseURL).port)
    const handshake =
      `GET /v1/realtime?model=voice HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\nconnection: upgrade\r\n` +
      'upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    const nonsense = [
      Buffer.alloc(200_000, 0xff),
      Buffer.from([0x81, ...Array<number>(13).fill(0xff)]),
      Buffer.from([0xf1, 0x80, 1, 2, 3, 4]),
      Buffer.from([0x80, 0x80, 1, 2, 3, 4]),
      Buffer.from([0x01, 0x80, 1, 2, 3, 4, 0x81, 0x80, 1, 2, 3, 4]),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ]
    await Promise.all(
      nonsense.map(async (bytes) => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined)
        socket.write(Buffer.concat([Buffer.from(handshake), bytes]))
        socket.resume()
        await new Promise((resolve) => socket.on('close', resolve))
      }),
    )
    const client = await open()
    client.send({ type: 'response.create' })
    await expect.poll(() => client.of('response.done').length).toBe(1)
  })
})

it('providers with a URL per deployment have no sessions', async () => {
  const azure = { type: 'azure', baseURL: 'http://127.0.0.1:9', apiKey: 'sk-upstream-secret', apiVersion: '2024-10-21' }
  const { refused } = await start({ providers: { azure }, models: { voice: 'azure/gpt-realtime' } })
  expect((await refused()).status).toBe(400)
})
