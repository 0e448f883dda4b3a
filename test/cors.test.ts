import { afterEach, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import type { RelayOptions } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const PAGE = 'https://chat.example'
const ASKED = 'authorization,x-stainless-os,anthropic-version,anthropic-dangerous-direct-browser-access'

async function start(cors: RelayOptions['cors']) {
  const upstream = cleanup.add(await startUpstream())
  const relay = cleanup.add(
    testRelay({ providers: { up: { type: 'openai-compatible', baseURL: upstream.baseURL } }, cors }),
  )
  const fetch = fetchRelay(relay)
  const preflight = (origin: string) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': ASKED },
    })
  const ask = (origin: string, key = KEY) =>
    fetch('http://relay/v1/chat/completions', {
      method: 'POST',
      headers: { origin, authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'up/test', messages: [{ role: 'user', content: 'hi' }] }),
    })
  return { preflight, ask }
}

it('HC-138: answers a preflight without a key, for configured origins only', async () => {
  const { preflight } = await start({ origins: [PAGE] })
  const allowed = await preflight(PAGE)
  expect(allowed.status).toBe(204)
  expect(allowed.headers.get('access-control-allow-origin')).toBe(PAGE)
  expect(allowed.headers.get('access-control-allow-headers')).toBe(ASKED)
  expect(allowed.headers.get('access-control-allow-methods')).toContain('POST')
  expect(allowed.headers.get('vary')).toBe('origin')
  const stranger = await preflight('https://evil.example')
  expect(stranger.headers.get('access-control-allow-origin')).toBe(null)
  expect(stranger.status).toBe(405)
})

it('lets the page read answers, errors and the relay’s headers', async () => {
  const { ask } = await start({ origins: [PAGE] })
  for (const key of [KEY, 'sk-wrong']) {
    const answer = await ask(PAGE, key)
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
    expect((await ask('https://evil.example', key)).headers.get('access-control-allow-origin')).toBe(null)
  }
})

it('allows every origin for *, and none without a config', async () => {
  expect((await (await start({ origins: ['*'] })).preflight(PAGE)).status).toBe(204)
  expect((await (await start(undefined)).preflight(PAGE)).status).toBe(405)
})
