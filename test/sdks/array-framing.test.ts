import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import type { Script } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import { answerWithError, failMidStream, protocols, type SdkHarness, startSdkHarness } from './sdk-harness.js'
import type { Json, UpstreamProtocol } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** Requests a stream without `alt=sse`, so that the response is one JSON array. */
function ask({ origin }: SdkHarness): Promise<Response> {
  return fetch(`${origin}/v1beta/models/m:streamGenerateContent`, {
    method: 'POST',
    headers: { 'x-goog-api-key': KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] }),
  })
}

function textOf(fragments: readonly Json[]): string {
  return fragments
    .flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
    .map(({ text }) => text ?? '')
    .join('')
}

/** Pauses in the middle of its stream until the test continues it. */
function halting(protocol: UpstreamProtocol): { script: Script; continueStream: () => void } {
  let continueStream = (): void => undefined
  const gone = new Promise<void>((resolve) => {
    continueStream = resolve
  })
  const script: Script = async (_req, res, { body }) => {
    const records = protocol.records({ text: ['Grüß ', 'dich, "🦊"]'] }, JSON.parse(body))
    const half = records.findIndex((record) => record.includes('dich'))
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write(records.slice(0, half).join(''))
    await gone
    res.end(records.slice(half).join(''))
  }
  return { script, continueStream }
}

describe.each(protocols)('a Gemini stream as a JSON array, from a model in $id', (protocol) => {
  test('is valid JSON', async () => {
    const harness = await startSdkHarness(protocol, cleanup)
    harness.scriptAnswers({
      text: ['Grüß ', 'dich, "🦊"]'],
      calls: [{ id: 'c1', name: 'weather', input: { place: 'Oslo' } }],
    })
    const response = await ask(harness)
    expect(response.headers.get('content-type')).toContain('application/json')
    const fragments = (await response.json()) as Json[]
    expect(textOf(fragments)).toBe('Grüß dich, "🦊"]')
    const parts = fragments.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? [])
    expect(parts.filter((part) => part.functionCall)).toMatchObject([
      { functionCall: { name: 'weather', args: { place: 'Oslo' } } },
    ])
    expect(fragments.at(-1)).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 20, totalTokenCount: 32 },
    })
  })

  test('is written fragment by fragment', async () => {
    const harness = await startSdkHarness(protocol, cleanup)
    const { script, continueStream } = halting(protocol)
    harness.upstream.script = script
    const response = await ask(harness)
    const decoder = new TextDecoder()
    let text = ''
    let early: Json[] | undefined
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(bytes, { stream: true })
      if (early || !text.includes('Grüß')) continue
      // The text so far is an array without its end.
      early = JSON.parse(`${text}]`)
      continueStream()
    }
    expect(textOf(early ?? [])).toBe('Grüß ')
    expect(textOf(JSON.parse(text))).toBe('Grüß dich, "🦊"]')
  })

  test('ends with the error of a broken stream, and stays valid JSON', async () => {
    const harness = await startSdkHarness(protocol, cleanup)
    harness.upstream.script = failMidStream(protocol, 'It broke')
    const fragments = (await (await ask(harness)).json()) as Json[]
    expect(textOf(fragments)).toBe('Half of it')
    expect(fragments.at(-1)).toMatchObject({ error: { message: 'It broke', code: expect.any(Number) } })
  })

  test('has the status of an error before any output', async () => {
    const harness = await startSdkHarness(protocol, cleanup)
    harness.upstream.script = answerWithError(protocol, 400, 'Too many cooks')
    const response = await ask(harness)
    expect(response.status).toBe(400)
    const answer: Json = await response.json()
    expect(answer).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } })
  })
})
