import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchRelay } from '../adapters/fetch.js'
import { startDemo } from '../src/demo/upstream.js'
import type { Relay } from '../src/index.js'
import { testRelay } from './test-relay.js'

/** Captured requests of real clients. They are not part of the project. */
const folder = resolve(import.meta.dirname, '../../shared/client-requests')

interface Captured {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

interface Capture {
  readonly call: string
  readonly requests: readonly Captured[]
}

const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
if (files.length === 0) console.log(`Skipped: requests of real clients: there is no ${folder}`)

/** Endpoints that the relay does not have. */
const UNSUPPORTED =
  /\/(?:files|batches|fine_tuning|vector_stores|assistants|threads|containers|evals|uploads|videos|conversations)\b/

describe.skipIf(files.length === 0)('requests of real clients', () => {
  let demo: Awaited<ReturnType<typeof startDemo>>
  let relay: Relay

  beforeAll(async () => {
    demo = await startDemo()
    relay = testRelay({
      providers: { demo: { type: 'openai-compatible', baseURL: demo.baseURL } },
      models: { '*': 'demo/demo' },
      authenticate: () => ({ id: 'anyone' }),
    })
  })
  afterAll(async () => {
    await relay.close()
    await demo.close()
  })

  for (const file of files) {
    const { captures = [] } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { captures?: readonly Capture[] }
    for (const { call, requests } of captures) {
      it.each(requests.filter(({ url }) => !UNSUPPORTED.test(url)))(
        `${file} ${call}: $method $url`,
        async (captured) => {
          const { 'content-length': _length, host: _host, connection: _connection, ...headers } = captured.headers
          const { method, url, body } = captured
          const init = {
            method,
            headers,
            ...(body === undefined || method === 'GET'
              ? {}
              : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
          }
          const answer = await fetchRelay(relay)(`http://relay${url}`, init)
          expect([answer.status, answer.ok ? '' : await answer.text()]).toEqual([200, ''])
          await answer.text()
        },
      )
    }
  }
})
