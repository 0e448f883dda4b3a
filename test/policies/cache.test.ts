import { afterEach, describe, expect, it } from 'vitest'
import { fetchRelay } from '../../adapters/fetch.js'
import type { RelayOptions, UsageRecord } from '../../src/index.js'
import { Cleanup } from '../cleanup.js'
import { pick, seeded } from '../random.js'
import {
  answerError,
  answerJson,
  answerStream,
  completion,
  type Script,
  startUpstream,
  streamed,
} from '../scripted-upstream.js'
import { KEY, testRelay } from '../test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const OTHER = 'sk-caller-00000002'
const QUESTION = { model: 'up/test', temperature: 0, messages: [{ role: 'user', content: 'hi' }] }

interface Init {
  readonly key?: string
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

async function start(options: Partial<RelayOptions> = {}, script?: Script) {
  let count = 0
  const counted: Script = (req, res, seen) => answerJson(completion(`answer ${++count}`))(req, res, seen)
  const upstream = cleanup.add(await startUpstream(script ?? counted))
  const records: UsageRecord[] = []
  const relay = cleanup.add(
    testRelay({
      providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } },
      retry: { attempts: 1 },
      cache: {},
      prices: { '*': { input: 1, output: 1 } },
      keys: [
        { id: 'alice', key: KEY },
        { id: 'bob', key: OTHER },
      ],
      plugins: [{ done: (record) => void records.push(record) }],
      ...options,
    }),
  )
  const fetch = fetchRelay(relay)
  const send = (body: string, { key = KEY, headers, signal }: Init = {}) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body,
      ...(signal ? { signal } : {}),
    })
  const ask = (body: object = {}, init: Init = {}) => send(JSON.stringify({ ...QUESTION, ...body }), init)
  return { upstream, relay, records, ask, send }
}

const stateOf = (answer: Response): string | null => answer.headers.get('x-modelmount-cache')

describe('a cached answer', () => {
  it('is returned byte for byte, with its age', async () => {
    const { ask, upstream } = await start()
    const first = await ask()
    expect(stateOf(first)).toBe('miss')
    const text = await first.text()
    const second = await ask()
    expect(stateOf(second)).toBe('hit')
    expect(second.headers.get('age')).toBe('0')
    expect(second.headers.get('x-modelmount-target')).toBe('up/test')
    expect(second.headers.get('x-modelmount-cost')).toBe('0')
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(await second.text()).toBe(text)
    expect(upstream.seen).toHaveLength(1)
  })

  it('is returned as the same stream', async () => {
    const { ask, upstream } = await start({}, answerStream(streamed('a', 'b', 'c'), 1))
    const first = await (await ask({ stream: true })).text()
    const second = await ask({ stream: true })
    expect(stateOf(second)).toBe('hit')
    expect(second.headers.get('content-type')).toContain('text/event-stream')
    expect(await second.text()).toBe(first)
    expect(upstream.seen).toHaveLength(1)
  })

  it.each(['abort', 'drain'] as const)('is whole for a client that leaves at [DONE], with %s', async (onDisconnect) => {
    const wereSent: boolean[] = []
    const { ask, upstream, records } = await start({ onDisconnect }, (_req, res) => {
      res.on('close', () => wereSent.push(res.writableFinished))
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(streamed('a', 'b').join(''))
      setTimeout(() => res.end(), 50)
    })
    const leaveAtDone = async (answer: Response): Promise<void> => {
      let text = ''
      for await (const bytes of answer.body ?? []) {
        text += Buffer.from(bytes).toString()
        if (text.endsWith('data: [DONE]\n\n')) break
      }
    }
    await leaveAtDone(await ask({ stream: true }))
    await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['complete'])
    expect(await (await ask({ stream: true })).text()).toBe(streamed('a', 'b').join(''))
    expect(upstream.seen).toHaveLength(1)
    // Not aborted, so that the next call can use the connection to the upstream.
    await expect.poll(() => wereSent).toEqual([true])
  })

  it.each(['abort', 'drain'] as const)(
    'is whole where the end of [DONE] arrives later, with %s',
    async (onDisconnect) => {
      const text = streamed('a', 'b').join('')
      const { ask, upstream, records } = await start({ onDisconnect }, (_req, res) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).write(text.slice(0, -1))
        setTimeout(() => res.end(text.slice(-1)), 50)
      })
      const { body } = await ask({ stream: true })
      await body?.cancel()
      await expect.poll(() => records.map(({ outcome }) => outcome)).toEqual(['complete'])
      expect(await (await ask({ stream: true })).text()).toBe(text)
      expect(upstream.seen).toHaveLength(1)
    },
  )

  it('is replayed at its original pace with replay: paced', async () => {
    const { ask } = await start({ cache: { replay: 'paced' } }, answerStream(streamed('a', 'b', 'c'), 40))
    await (await ask({ stream: true })).text()
    const from = performance.now()
    const text = await (await ask({ stream: true })).text()
    expect(performance.now() - from).toBeGreaterThan(120)
    expect(text).toBe(streamed('a', 'b', 'c').join(''))
  })

  it('is found for equal JSON with other key order and white space', async () => {
    const { send, upstream } = await start()
    await send('{"model":"up/test","temperature":0,"messages":[{"role":"user","content":"hi"}],"seed":1}')
    const second = await send(
      '{ "seed": 1,\n "messages": [ { "content": "hi", "role": "user" } ], "temperature": 0, "model": "up/test" }',
    )
    expect(stateOf(second)).toBe('hit')
    expect(upstream.seen).toHaveLength(1)
  })

  it.each([
    ['numbers that are equal as doubles', { seed: 1 }, '"seed":12345678901234567890', '"seed":12345678901234567891'],
    ['another spelling of a number', {}, '"seed":1', '"seed":1.0'],
    ['duplicate keys in another order', {}, '"seed":1,"seed":2', '"seed":2,"seed":1'],
    ['an escaped letter', {}, '"user":"a"', '"user":"\\u0061"'],
    ['another order in a list', {}, '"stop":["a","b"]', '"stop":["b","a"]'],
    ['whole or streamed', {}, '"stream":false', '"stream":null'],
  ])('is not returned for %s', async (_name, _more, one, other) => {
    const { send, upstream } = await start()
    const body = (more: string) =>
      `{"model":"up/test","temperature":0,"messages":[{"role":"user","content":"hi"}],${more}}`
    expect((await send(body(one))).status).toBe(200)
    expect(stateOf(await send(body(other)))).toBe('miss')
    expect(upstream.seen).toHaveLength(2)
  })

  it('HC-150: is never returned to another tenant', async () => {
    const { ask, upstream } = await start()
    await ask()
    expect(stateOf(await ask({}, { key: OTHER }))).toBe('miss')
    expect(upstream.seen).toHaveLength(2)
  })

  it('needs temperature 0, unless configured otherwise', async () => {
    const { ask } = await start()
    for (const more of [{ temperature: undefined }, { temperature: 1 }]) {
      expect(stateOf(await ask(more))).toBe(null)
      expect(stateOf(await ask(more))).toBe(null)
    }
    const any = await start({ cache: { temperature: 'any', tools: false } })
    await any.ask({ temperature: 1 })
    expect(stateOf(await any.ask({ temperature: 1 }))).toBe('hit')
    const tools = [{ type: 'function', function: { name: 'f' } }]
    await any.ask({ tools })
    expect(stateOf(await any.ask({ tools }))).toBe(null)
  })

  it('expires after its lifetime, and is evicted when the cache is full', async () => {
    const { ask } = await start({ cache: { seconds: 1 } })
    await ask()
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(stateOf(await ask())).toBe('miss')
    const small = await start({ cache: { maxBytes: 3000 } })
    for (let index = 0; index < 5; index++) await small.ask({ seed: index })
    expect(stateOf(await small.ask({ seed: 0 }))).toBe('miss')
    expect(stateOf(await small.ask({ seed: 4 }))).toBe('hit')
  })

  it.each([
    ['no-cache', 'miss', 'hit'],
    ['no-store', null, 'hit'],
    ['max-age=0', 'miss', 'hit'],
    ['max-age=60', 'hit', 'hit'],
  ])('follows the request’s cache-control: %s', async (control, state, after) => {
    const { ask } = await start()
    await ask()
    expect(stateOf(await ask({}, { headers: { 'cache-control': control } }))).toBe(state)
    expect(stateOf(await ask())).toBe(after)
  })

  const kept = async (script: Script, body: object = {}): Promise<string | null> => {
    const { ask } = await start({}, script)
    await (await ask(body)).text().catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 30))
    const again = await ask(body)
    await again.text().catch(() => undefined)
    return stateOf(again)
  }

  it('is never an error, a cut stream or a refusal', async () => {
    expect(await kept(answerError(400, 'bad'))).toBe(null)
    const cut: Script = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const piece of streamed('a', 'b').slice(0, 2)) res.write(piece)
      setTimeout(() => res.destroy(), 5)
    }
    expect(await kept(cut, { stream: true })).toBe('miss')
    const filtered = completion('I')
    Object.assign((filtered as { choices: object[] }).choices[0] as object, { finish_reason: 'content_filter' })
    expect(await kept(answerJson(filtered))).toBe('miss')
    const refusal = completion('') as { choices: { message: object }[] }
    Object.assign(refusal.choices[0]?.message as object, { content: null, refusal: 'No.' })
    expect(await kept(answerJson(refusal))).toBe('miss')
  })

  it('is stored in the client’s protocol', async () => {
    const { relay, upstream } = await start()
    const fetch = fetchRelay(relay)
    const ask = () =>
      fetch('http://relay/v1/messages', {
        method: 'POST',
        headers: { 'x-api-key': KEY },
        body: JSON.stringify({ ...QUESTION, max_tokens: 9, stream: true }),
      })
    upstream.script = answerStream(streamed('a', 'b'))
    const first = await (await ask()).text()
    const second = await ask()
    expect(stateOf(second)).toBe('hit')
    expect(await second.text()).toBe(first)
    expect(first).toContain('message_stop')
  })
})

describe('concurrent equal calls', () => {
  const slow =
    (script: Script, ms = 40): Script =>
    (req, res, seen) =>
      void setTimeout(() => void script(req, res, seen), ms)

  it('share one upstream request', async () => {
    const { ask, upstream, records } = await start({}, slow(answerJson(completion('one'))))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask()))
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
    expect(answers.map(stateOf).sort()).toEqual(['miss', ...Array.from({ length: 19 }, () => 'shared')])
    expect(upstream.seen).toHaveLength(1)
    expect(records.filter(({ costNanos }) => costNanos !== 0)).toHaveLength(1)
  })

  it('share one stream, and late ones get its beginning too', async () => {
    const pieces = streamed(...Array.from({ length: 20 }, (_, index) => `word ${index}`))
    const { ask, upstream } = await start({}, answerStream(pieces, 5))
    const first = await ask({ stream: true })
    await new Promise((resolve) => setTimeout(resolve, 40))
    const second = await ask({ stream: true })
    expect(stateOf(second)).toBe('shared')
    expect(await Promise.all([first.text(), second.text()])).toEqual([pieces.join(''), pieces.join('')])
    expect(upstream.seen).toHaveLength(1)
  })

  it('continue when the first client disconnects', async () => {
    const pieces = streamed(...Array.from({ length: 20 }, (_, index) => `word ${index}`))
    const { ask, upstream, records } = await start({}, answerStream(pieces, 5))
    const abortController = new AbortController()
    const first = await ask({ stream: true }, { signal: abortController.signal })
    const second = await ask({ stream: true })
    abortController.abort()
    await first.text().catch(() => undefined)
    expect(await second.text()).toBe(pieces.join(''))
    expect(upstream.seen).toHaveLength(1)
    await expect.poll(() => records.length).toBe(2)
    expect(records.map(({ cache, outcome }) => [cache, outcome]).sort()).toEqual([
      ['miss', 'complete'],
      ['shared', 'complete'],
    ])
  })

  it('continue when the first client disconnects before output, and abort upstream when all have', async () => {
    const { ask, upstream, records } = await start({}, slow(answerJson(completion('one')), 100))
    const controllers = [new AbortController(), new AbortController()]
    const all = controllers.map(({ signal }) => ask({}, { signal }).catch(() => undefined))
    await expect.poll(() => upstream.seen.length).toBe(1)
    controllers[0]?.abort()
    await all[0]
    expect((await all[1])?.status).toBe(200)
    const alone = [new AbortController(), new AbortController()]
    const others = alone.map(({ signal }) => ask({ seed: 2 }, { signal }).catch(() => undefined))
    await expect.poll(() => upstream.seen.length).toBe(2)
    for (const controller of alone) controller.abort()
    await Promise.all(others)
    await expect.poll(() => upstream.running.size).toBe(0)
    await expect.poll(() => records.length).toBe(4)
    expect(records.filter(({ outcome }) => outcome === 'left')).toHaveLength(2)
  })

  it('get the same error, and none is charged', async () => {
    const { ask, upstream, records } = await start({}, slow(answerError(400, 'bad question')))
    const answers = await Promise.all([ask(), ask(), ask()])
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400])
    expect(upstream.seen).toHaveLength(1)
    expect(records.map(({ costNanos }) => costNanos)).toEqual([0, 0, 0])
  })

  it('do not wait for a slow client among them', async () => {
    const pieces = streamed(...Array.from({ length: 50 }, () => 'x'.repeat(20_000)))
    const { ask } = await start({}, answerStream(pieces, 1))
    const slowOne = await ask({ stream: true })
    const second = await ask({ stream: true })
    expect((await second.text()).length).toBe(pieces.join('').length)
    expect((await slowOne.text()).length).toBe(pieces.join('').length)
  })

  it('get all of an answer larger than maxAnswerBytes, in bounded memory', async () => {
    const pieces = streamed(...Array.from({ length: 200 }, () => 'x'.repeat(10_000)))
    const { ask, upstream } = await start({ cache: { maxAnswerBytes: 50_000 } }, answerStream(pieces, 1))
    const [first, second] = await Promise.all([ask({ stream: true }), ask({ stream: true })])
    const texts = await Promise.all([first.text(), second.text()])
    expect(texts.map((text) => text.length)).toEqual([pieces.join('').length, pieces.join('').length])
    const third = await ask({ stream: true })
    expect(stateOf(third)).toBe('miss')
    await third.text()
    expect(upstream.seen).toHaveLength(2)
  })
})

describe('an idempotency key', () => {
  const keyed = (key: string, more: Init = {}): Init => ({ ...more, headers: { 'idempotency-key': key } })

  it('returns the same answer at any temperature, and charges once', async () => {
    const { ask, upstream, records } = await start({ cache: undefined })
    const first = await (await ask({ temperature: 1 }, keyed('k1'))).text()
    const second = await ask({ temperature: 1 }, keyed('k1'))
    expect(stateOf(second)).toBe('hit')
    expect(await second.text()).toBe(first)
    expect(upstream.seen).toHaveLength(1)
    expect(records.map(({ costNanos }) => costNanos)).toEqual([7000, 0])
  })

  it('used for another request is a conflict, also while the first runs', async () => {
    const { ask } = await start({ cache: undefined })
    const pending = ask({}, keyed('k1'))
    const conflict = await ask({ seed: 2 }, keyed('k1'))
    expect(conflict.status).toBe(409)
    expect(((await conflict.json()) as { error: object }).error).toMatchObject({ code: 'idempotency_key_in_use' })
    await pending
    expect((await ask({ seed: 2 }, keyed('k1'))).status).toBe(409)
    expect((await ask({ seed: 2 }, keyed('k2'))).status).toBe(200)
  })

  it('belongs to its tenant', async () => {
    const { ask, upstream } = await start({ cache: undefined })
    await ask({}, keyed('k1'))
    expect((await ask({ seed: 2 }, keyed('k1', { key: OTHER }))).status).toBe(200)
    expect(upstream.seen).toHaveLength(2)
  })

  it('is shared by concurrent calls, together with the cache', async () => {
    const { ask, upstream, records } = await start()
    const answers = await Promise.all([ask({}, keyed('k1')), ask({}, keyed('k1')), ask(), ask({}, keyed('k2'))])
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1)
    expect(upstream.seen).toHaveLength(1)
    expect(records.filter(({ costNanos }) => costNanos !== 0)).toHaveLength(1)
  })

  it('covers all sub-requests of one request', async () => {
    const { relay, upstream } = await start({ cache: undefined })
    const ask = () =>
      fetchRelay(relay)('http://relay/v1/completions', {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'idempotency-key': 'k1' },
        body: JSON.stringify({ model: 'up/test', prompt: ['one', 'two'] }),
      })
    const first = await ask()
    expect(first.status).toBe(200)
    expect(await (await ask()).text()).toBe(await first.text())
    expect(upstream.seen).toHaveLength(2)
  })

  it('of a failed call gives an error without a cache header', async () => {
    const { ask } = await start({ cache: undefined }, answerError(500, 'broken'))
    expect(stateOf(await ask({}, keyed('k1')))).toBe(null)
  })

  it('of a failed call may be used again', async () => {
    const { ask, upstream } = await start({ cache: undefined }, answerError(500, 'broken'))
    expect((await ask({}, keyed('k1'))).status).toBe(500)
    upstream.script = answerJson(completion('well'))
    expect((await ask({}, keyed('k1'))).status).toBe(200)
  })
})

describe('tenants', () => {
  it('never share an answer, a running call or an idempotency key', async () => {
    const next = seeded(11)
    const names = ['a', '1:a', '1', 'a:', '', '2:a1', 'ab', 'b', '1:', 'key:a']
    const { relay } = await start({ keys: [], authenticate: ({ headers }) => ({ id: String(headers['x-user']) }) })
    const fetch = fetchRelay(relay)
    // Each answer of the upstream is another, and must have one owner.
    const owners = new Map<string, Set<string>>()
    const states = new Set<string | null>()
    const one = async (): Promise<void> => {
      const tenant = pick(next, names)
      const headers: Record<string, string> = { 'x-user': tenant, 'x-request-id': `r${Math.floor(next() * 3)}` }
      if (next() < 0.3) headers['idempotency-key'] = pick(next, ['', 'k', '1:k', 'ak'])
      const body = JSON.stringify({ ...QUESTION, user: 'same', seed: Math.floor(next() * 3) })
      const answer = await fetch('http://relay/v1/chat/completions', { method: 'POST', headers, body })
      states.add(stateOf(answer))
      if (answer.status === 409) return
      const text = await answer.text()
      owners.set(text, (owners.get(text) ?? new Set()).add(tenant))
    }
    for (let round = 0; round < 40; round++) await Promise.all(Array.from({ length: 20 }, one))
    expect([...owners.values()].filter((tenants) => tenants.size !== 1)).toEqual([])
    expect(owners.size).toBeGreaterThanOrEqual(names.length * 3)
    expect(states).toEqual(new Set(['hit', 'miss', 'shared', null]))
  })
})
