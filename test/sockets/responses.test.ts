import { createServer } from 'node:http'
import OpenAI from 'openai'
import { ResponsesWS } from 'openai/resources/responses/ws'
import { afterEach, describe, expect, it } from 'vitest'
import { nodeRelay, upgradeRelay } from '../../adapters/node.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { answerError, answerStream, inTurn, type Script, startUpstream } from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'
import { openWebSocket, type RefusedHandshake, type WebSocketClient } from './open-web-socket.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

let answers = 0

/** An answer of OpenAI's own, streamed. */
function answer(text: string, output: object[] = []): Script {
  return (req, res, seen) => {
    const id = `resp_${++answers}`
    const message = { type: 'message', id: `msg_${answers}`, role: 'assistant', status: 'completed' }
    const done = { ...message, content: [{ type: 'output_text', text, annotations: [] }] }
    const response = { id, object: 'response', model: 'gpt-5', status: 'in_progress', output: [] }
    const usage = { input_tokens: 10, output_tokens: 2, total_tokens: 12 }
    const events = [
      { type: 'response.created', response },
      { type: 'response.output_item.added', output_index: 0, item: { ...message, content: [] } },
      { type: 'response.output_text.delta', item_id: message.id, output_index: 0, content_index: 0, delta: text },
      { type: 'response.output_item.done', output_index: 0, item: done },
      { type: 'response.completed', response: { ...response, status: 'completed', output: [...output, done], usage } },
    ]
    const records = events.map((event, at) => record(event.type, { ...event, sequence_number: at }))
    return answerStream(records)(req, res, seen)
  }
}

function record(type: string, event: object): string {
  return `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`
}

async function start(script: Script = answer('hello'), more: Partial<RelayOptions> = {}) {
  const upstream = cleanup.add(await startUpstream(script))
  const claude = cleanup.add(await startUpstream())
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: {
        up: { type: 'openai', baseURL: upstream.baseURL, apiKey: 'sk-upstream-secret' },
        claude: { type: 'anthropic', baseURL: claude.baseURL.replace('/v1', ''), apiKey: 'sk-claude-secret' },
      },
      models: { 'gpt-5': 'up', mine: 'up/gpt-5', claude: 'claude/claude-opus-4' },
      plugins: [{ done: (record) => void records.push(record) }],
      ...more,
    }),
  )
  const server = createServer(nodeRelay(relay)).on('upgrade', upgradeRelay(relay))
  const { baseURL } = cleanup.add(await listen(server))
  const open = async (
    headers: Record<string, string> = { authorization: `Bearer ${KEY}` },
  ): Promise<WebSocketClient> => {
    const client = await openWebSocket(`${baseURL}/responses`, { headers })
    cleanup.add({ close: async () => client.socket.terminate() })
    return client
  }
  const bodies = (): Record<string, unknown>[] => upstream.seen.map(({ body }) => JSON.parse(body))
  return { upstream, claude, relay, records, baseURL, open, bodies, openai: new OpenAI({ baseURL, apiKey: KEY }) }
}

const ASK = { type: 'response.create', model: 'gpt-5', input: 'hi', store: false }
const firstId = (client: WebSocketClient): unknown =>
  (client.of('response.completed')[0]?.response as { id?: unknown } | undefined)?.id
const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] })

describe('the Responses API on a WebSocket', () => {
  it('works with OpenAI’s official client', async () => {
    const { openai, upstream, records } = await start()
    const socket = new ResponsesWS(openai)
    const text = await new Promise<string>((resolve, reject) => {
      let whole = ''
      socket.on('error', reject)
      socket.on('response.output_text.delta', ({ delta }) => {
        whole += delta
      })
      socket.on('response.completed', () => resolve(whole))
      socket.send({ type: 'response.create', model: 'mine', input: 'hi', store: false })
    })
    socket.close()
    expect(text).toBe('hello')
    expect(upstream.seen[0]).toMatchObject({ method: 'POST', url: '/v1/responses' })
    expect(upstream.seen[0]?.body).toBe('{"stream":true,"model":"gpt-5","input":"hi","store":false}')
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer sk-upstream-secret')
    expect(Object.keys(upstream.seen[0]?.headers ?? {}).filter((name) => name.startsWith('sec-'))).toEqual([])
    expect(records).toMatchObject([
      { operation: 'chat', protocol: 'openai-responses', inputTokens: 10, outcome: 'complete' },
    ])
  })

  it('reaches models of every protocol', async () => {
    const { open, claude } = await start()
    const usage = { input_tokens: 3, output_tokens: 1 }
    const message = { id: 'msg_1', type: 'message', role: 'assistant', content: [], model: 'claude-opus-4', usage }
    claude.script = answerStream([
      record('message_start', { type: 'message_start', message }),
      record('content_block_start', {
        type: 'content_block_start',
        index: 0,
        content_block: { type: 'text', text: '' },
      }),
      record('content_block_delta', {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: 'salut' },
      }),
      record('content_block_stop', { type: 'content_block_stop', index: 0 }),
      record('message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage }),
      record('message_stop', { type: 'message_stop' }),
    ])
    const client = await open()
    client.send({ ...ASK, model: 'claude' })
    await expect.poll(() => client.of('response.completed').length).toBe(1)
    expect(client.of('response.output_text.delta')).toMatchObject([{ delta: 'salut' }])
    const [{ id }] = client.of('response.completed').map(({ response }) => response as { id: string }) as [
      { id: string },
    ]
    client.send({ ...ASK, model: 'claude', previous_response_id: id, input: 'again' })
    await expect.poll(() => client.of('response.completed').length).toBe(2)
    expect(JSON.parse(claude.seen[1]?.body ?? '')).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant' }, { role: 'user' }],
    })
  })

  it('continues from previous_response_id, on the same connection only', async () => {
    const reasoning = { type: 'reasoning', id: 'rs_1', summary: [] }
    const sealed = { ...reasoning, id: 'rs_2', encrypted_content: 'x' }
    const { open, bodies, upstream } = await start(answer('one', [reasoning, sealed]))
    const client = await open()
    client.send(ASK)
    await expect.poll(() => client.of('response.completed').length).toBe(1)
    const id = firstId(client)
    upstream.script = answer('two')
    client.send({ ...ASK, previous_response_id: id, input: [user('more')] })
    await expect.poll(() => client.of('response.completed').length).toBe(2)
    // The relay drops the item that only the provider could look up, and has not stored.
    expect(bodies()[1]).toMatchObject({
      input: [user('hi'), sealed, { type: 'message', role: 'assistant' }, user('more')],
    })
    expect(bodies()[1]).not.toHaveProperty('previous_response_id')
    const other = await open()
    other.send({ ...ASK, previous_response_id: id })
    await expect
      .poll(() => other.events)
      .toMatchObject([
        { type: 'error', status: 400, error: { code: 'previous_response_not_found', param: 'previous_response_id' } },
      ])
  })

  it('accepts a prompt with generate: false, at no cost', async () => {
    const { open, bodies, records } = await start()
    const client = await open()
    client.send({ ...ASK, generate: false, instructions: 'be kind' })
    await expect.poll(() => client.of('response.completed').length).toBe(1)
    expect(bodies()).toHaveLength(0)
    const id = firstId(client)
    client.send({ ...ASK, previous_response_id: id, input: [user('go')] })
    await expect.poll(() => client.of('response.completed').length).toBe(2)
    expect(bodies()).toMatchObject([{ input: [user('hi'), user('go')], stream: true }])
    expect(records).toHaveLength(1)
    client.send({ ...ASK, generate: false, model: 'nothing' })
    await expect.poll(() => client.of('error')).toMatchObject([{ status: 404, error: { code: 'model_not_found' } }])
  })

  it('answers requests in order', async () => {
    const { open, upstream } = await start(inTurn(answer('a'), answer('b'), answer('c')))
    const client = await open()
    for (const input of ['1', '2', '3']) client.send({ ...ASK, input })
    await expect.poll(() => client.of('response.completed').length).toBe(3)
    expect(client.of('response.output_text.delta').map(({ delta }) => delta)).toEqual(['a', 'b', 'c'])
    expect(upstream.seen.map(({ body }) => (JSON.parse(body) as { input: string }).input)).toEqual(['1', '2', '3'])
  })

  it('answers in parallel where the client names streams, and marks events with stream_id', async () => {
    const { open, bodies, upstream } = await start(() => undefined)
    const client = await open()
    client.send({ ...ASK, stream_id: 'slow "one"', input: 'slow' })
    await expect.poll(() => upstream.seen.length).toBe(1)
    upstream.script = answer('quick')
    for (const input of ['1', '2']) client.send({ ...ASK, stream_id: 'quick', input })
    await expect.poll(() => client.of('response.completed').length).toBe(2)
    expect(new Set(client.events.map(({ stream_id }) => stream_id))).toEqual(new Set(['quick']))
    expect(bodies().map(({ input }) => input)).toEqual(['slow', '1', '2'])
    expect(bodies().some((body) => 'stream_id' in body)).toBe(false)
    const [id] = client.of('response.completed').map(({ response }) => (response as { id: string }).id)
    client.send({ ...ASK, stream_id: 'fork', previous_response_id: id, input: [user('other')] })
    await expect.poll(() => client.of('response.completed').length).toBe(3)
    expect(bodies()[3]).toMatchObject({ input: [user('1'), { role: 'assistant' }, user('other')] })
    client.send({ ...ASK, stream_id: 'fork', model: 'nothing' })
    client.send({ ...ASK, stream_id: 7 })
    await expect
      .poll(() => client.of('error'))
      .toMatchObject(
        expect.arrayContaining([
          expect.objectContaining({ stream_id: 'fork', status: 404 }),
          expect.objectContaining({ error: expect.objectContaining({ code: 'invalid_stream_id' }) }),
        ]),
      )
    client.socket.terminate()
    await expect.poll(() => upstream.running.size).toBe(0)
  })

  it('refuses requests beyond the queue, and continues', async () => {
    const { open, upstream } = await start(() => undefined)
    const client = await open()
    for (let sent = 0; sent < 30; sent++) client.send(ASK)
    await expect.poll(() => client.of('error').length).toBe(13)
    expect(client.of('error')[0]).toMatchObject({ status: 429, error: { code: 'rate_limit_exceeded' } })
    expect(upstream.seen).toHaveLength(1)
  })

  it('limits the bytes of waiting requests, and stops reading from a client that does not read', async () => {
    const { open, upstream } = await start(() => undefined, { maxBodyBytes: 100_000 })
    const client = await open()
    const long = { ...ASK, input: 'x'.repeat(60_000) }
    for (let sent = 0; sent < 5; sent++) client.send(long)
    // One is answered, one waits.
    await expect.poll(() => client.of('error').length).toBe(3)
    expect(client.of('error')[0]).toMatchObject({ status: 429 })
    expect(upstream.seen).toHaveLength(1)
    const deaf = await open()
    deaf.socket.pause()
    let sent = 0
    for (let round = 0; round < 100; round++) {
      for (let at = 0; at < 1000 && deaf.socket.bufferedAmount < 2 ** 20; at++, sent++)
        deaf.socket.send('no'.repeat(1000))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(sent).toBeLessThan(50_000)
    deaf.socket.resume()
    await expect.poll(() => deaf.events.length, { timeout: 15_000 }).toBe(sent)
  })

  it('sends errors as events with status and headers, and stays open', async () => {
    const { open, upstream } = await start(answerError(400, 'No such thing.', { code: 'bad', param: 'input' }), {
      keys: [{ id: 'alice', key: KEY, limits: { rpm: 2 } }],
    })
    const client = await open()
    client.send('nonsense')
    client.send({ type: 'session.update' })
    client.send(ASK)
    await expect.poll(() => client.of('error').length).toBe(3)
    upstream.script = answer('fine')
    client.send(ASK)
    await expect.poll(() => client.of('response.completed').length).toBe(1)
    client.send(ASK)
    await expect.poll(() => client.of('error').length).toBe(4)
    expect(client.of('error')).toMatchObject([
      { status: 400, error: { type: 'invalid_request_error', message: 'The message is not a JSON object.' } },
      { status: 400, error: { param: 'type' } },
      { status: 400, error: { message: 'No such thing.', code: 'bad', param: 'input' } },
      { status: 429, error: { code: 'rate_limit_exceeded' }, headers: { 'retry-after': expect.any(String) } },
    ])
    expect(client.socket.readyState).toBe(1)
  })

  it.each(['{"type":"response.create","type":"response.create","model":"gpt-5","input":"x","stream":false}'])(
    'always requests a stream: %s',
    async (message) => {
      const { open, bodies } = await start()
      const client = await open()
      client.send(message)
      await expect.poll(() => client.of('response.completed').length).toBe(1)
      expect(bodies()).toEqual([{ model: 'gpt-5', input: 'x', stream: true }])
    },
  )

  it('aborts the upstream request when the client disconnects', async () => {
    const { open, upstream, records } = await start(
      answerStream([record('response.created', { type: 'response.created', response: { id: 'r' } })], 5000),
    )
    const client = await open()
    client.send(ASK)
    await expect.poll(() => upstream.running.size).toBe(1)
    client.socket.terminate()
    await expect.poll(() => upstream.running.size).toBe(0)
    await expect.poll(() => records).toMatchObject([{ outcome: 'left' }])
  })

  it('applies the backpressure of a client that does not read', async () => {
    let written = 0
    const delta = record('response.output_text.delta', {
      type: 'response.output_text.delta',
      delta: 'x'.repeat(65_536),
    })
    const { open } = await start(async (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (; written < 1000 && !res.destroyed; written++)
        if (!res.write(delta)) await new Promise((resolve) => res.once('drain', resolve))
      res.end(record('response.completed', { type: 'response.completed', response: { id: 'r', output: [] } }))
    })
    const client = await open()
    client.socket.pause()
    client.send(ASK)
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(written).toBeLessThan(600)
    client.socket.resume()
    await expect.poll(() => client.of('response.completed').length, { timeout: 10_000 }).toBe(1)
    expect(client.of('response.output_text.delta')).toHaveLength(1000)
  })

  it('is refused without a key, and closed when the relay closes', async () => {
    const { open, relay } = await start((...given) => void setTimeout(() => void answer('late')(...given), 150))
    const no = (await open({ authorization: 'Bearer sk-wrong' }).catch(
      (error: RefusedHandshake) => error,
    )) as RefusedHandshake
    expect(no.status).toBe(401)
    const [idle, busy] = [await open(), await open()]
    busy.send(ASK)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closing = relay.close()
    expect((await idle.closed).code).toBe(1001)
    expect((await busy.closed).code).toBe(1001)
    expect(busy.of('response.completed')).toHaveLength(1)
    await closing
    expect(((await open().catch((error: RefusedHandshake) => error)) as RefusedHandshake).status).toBe(503)
  })
})
