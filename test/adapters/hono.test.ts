import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { honoRelay } from '../../adapters/hono.js'
import type { Relay, RelayOptions } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { fetchOf } from '../mounts.js'
import { chatRequest, openaiClient, streamedText } from '../openai-client.js'
import { answerWords, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'
import { KEY, relayTo } from '../test-relay.js'

const cleanup = new Cleanup()
let upstream: ScriptedUpstream

beforeEach(async () => {
  upstream = cleanup.add(await startUpstream(answerWords('Hello', ', world')))
})
afterEach(() => cleanup.run())

function relayHere(more: Partial<RelayOptions> = {}): Relay {
  return cleanup.add(relayTo(upstream, more))
}

const clientOf = (app: Hono, key?: string) => openaiClient({ baseURL: 'http://app/v1', fetch: fetchOf(app) }, key)
const asking = (headers: Record<string, string> = {}) =>
  new Request('http://app/v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify(chatRequest()),
    headers: { authorization: `Bearer ${KEY}`, ...headers },
  })

describe('hono', () => {
  test.each<[string, (app: Hono) => void]>([
    ['json()', (app) => app.use(({ req }, next) => req.json().then(next))],
    ['text()', (app) => app.use(({ req }, next) => req.text().then(next))],
  ])('may have read the body with %s, which the relay uses', async (_how, read) => {
    const app = new Hono()
    read(app)
    app.use('/v1/*', honoRelay(relayHere()))
    expect(await streamedText(clientOf(app))).toBe('Hello, world')
    expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ ...chatRequest(), model: 'real' })
  })

  test('whose middleware has read and dropped the body answers 500 with an explanation', async () => {
    const app = new Hono()
    app.use(({ req }, next) => req.raw.text().then(next))
    app.use('/v1/*', honoRelay(relayHere()))
    const response = await app.fetch(asking())
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('The host has read the body')
  })

  test('passes its context to `authenticate`', async () => {
    const app = new Hono<{ Variables: { user?: string } }>()
    app.use(async (context, next) => {
      context.set('user', context.req.header('cookie')?.replace('session=', ''))
      await next()
    })
    const authenticate: RelayOptions['authenticate'] = ({ host }) => {
      const user = (host as { get(name: string): string | undefined }).get('user')
      return user ? { id: user } : undefined
    }
    const callers: string[] = []
    const plugins = [{ admitted: ({ caller }: { caller: { id: string } }) => void callers.push(caller.id) }]
    app.use('/v1/*', honoRelay(relayHere({ authenticate, plugins })))
    expect((await app.fetch(asking({ authorization: '', cookie: 'session=bob' }))).status).toBe(200)
    expect((await app.fetch(asking())).status).toBe(200)
    expect((await app.fetch(asking({ authorization: '' }))).status).toBe(401)
    expect(callers).toEqual(['bob', 'alice'])
  })

  test("provides the client's IP address on @hono/node-server only", async () => {
    const app = new Hono()
    const keys = [{ id: 'office', key: KEY, allowedIps: ['203.0.113.0/24'] }]
    app.use('/v1/*', honoRelay(relayHere({ keys })))
    const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } })
    expect((await app.fetch(asking(), from('203.0.113.9'))).status).toBe(200)
    expect((await app.fetch(asking(), from('198.51.100.1'))).status).toBe(401)
    expect((await app.fetch(asking())).status).toBe(401)
  })

  test("adds the headers of the app's middleware to the relay's answers, and keeps its own 404", async () => {
    const app = new Hono()
    app.use(async (context, next) => {
      await next()
      context.res.headers.set('x-app', 'yes')
    })
    app.notFound((context) => context.text('nothing here', 404))
    app.all('/v1/*', honoRelay(relayHere()))
    const response = await app.fetch(asking())
    expect([response.status, response.headers.get('x-app')]).toEqual([200, 'yes'])
    const lost = await app.fetch(new Request('http://app/v1/nothing'))
    expect([lost.status, await lost.text()]).toEqual([404, 'nothing here'])
  })

  test('works in a nested app below both paths', async () => {
    const inner = new Hono().use('/ai/*', honoRelay(relayHere()))
    const app = new Hono().route('/inner', inner)
    const { data } = await openaiClient({ baseURL: 'http://app/inner/ai', fetch: fetchOf(app) }).models.list()
    expect(data.map(({ id }) => id)).toEqual(['m'])
  })

  test('gets no error when a client disconnects', async () => {
    const app = new Hono()
    const errors: unknown[] = []
    app.onError((error, context) => {
      errors.push(error)
      return context.text('error', 500)
    })
    app.use('/v1/*', honoRelay(relayHere()))
    upstream.script = () => undefined
    const abortController = new AbortController()
    setTimeout(() => abortController.abort(), 50)
    await expect(
      clientOf(app).chat.completions.create(chatRequest(), { signal: abortController.signal }),
    ).rejects.toThrow('aborted')
    expect(errors).toEqual([])
  })
})
