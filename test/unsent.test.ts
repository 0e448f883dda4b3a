import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { nodeRelay } from '../adapters/node.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { answerError, answerJson, type ScriptedUpstream, startUpstream } from './scripted-upstream.js'
import { KEY, testRelay } from './test-relay.js'

const cleanup = new Cleanup()
let upstream: ScriptedUpstream

beforeEach(async () => {
  upstream = cleanup.add(await startUpstream(answerError(500, 'It fails.')))
})

afterEach(() => cleanup.run())

const MESSAGE = {
  ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text: 'hello' }] },
  ...{ stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } },
}

interface Answer {
  readonly status: number
  readonly attempts: string | null
}

/** A relay to Claude with a cooldown after two failures in a row, and one attempt per call. */
async function start(): Promise<(more?: object) => Promise<Answer>> {
  const relay = testRelay({
    providers: { anthropic: { apiKey: 'sk-any', baseURL: `http://127.0.0.1:${upstream.port}` } },
    models: { m: 'anthropic/claude-haiku-4-5' },
    translation: 'strict',
    retry: { attempts: 1 },
    health: { failures: 2 },
  })
  cleanup.add(relay)
  const { baseURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
  return async (more) => {
    const { status, headers } = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more }),
    })
    return { status, attempts: headers.get('x-modelmount-attempts') }
  }
}

describe('a request that is refused before it is sent', () => {
  test.each([
    ['translation refuses it', { seed: 1 }],
    ['several answers cannot be had', { n: 2 }],
  ])('records no attempt: %s', async (_reason, more) => {
    const send = await start()
    upstream.script = answerJson(MESSAGE)
    expect(await send(more)).toEqual({ status: 400, attempts: null })
    expect(upstream.seen).toEqual([])
    expect(await send()).toEqual({ status: 200, attempts: 'anthropic/claude-haiku-4-5 200' })
  })

  test("records no attempt for a model name that is invalid in the provider's path", async () => {
    const relay = testRelay({
      providers: { gemini: { apiKey: 'sk-any', baseURL: `http://127.0.0.1:${upstream.port}` } },
    })
    cleanup.add(relay)
    const { baseURL } = cleanup.add(await listen(createServer(nodeRelay(relay))))
    const { status, headers } = await fetch(`${baseURL}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ model: 'gemini-a/../../b', messages: [{ role: 'user', content: 'hi' }] }),
    })
    expect([status, headers.get('x-modelmount-attempts')]).toEqual([404, null])
    expect(upstream.seen).toEqual([])
  })

  test('does not reset the failures of a provider', async () => {
    const send = await start()
    expect((await send()).status).toBe(500)
    expect((await send({ seed: 1 })).status).toBe(400)
    expect((await send()).status).toBe(500)
    expect(await send()).toEqual({ status: 503, attempts: null })
    expect(upstream.seen).toHaveLength(2)
  })
})
