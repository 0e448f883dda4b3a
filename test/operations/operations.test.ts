import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import { type Script, type ScriptedUpstream, type Seen, startUpstream } from '../scripted-upstream.js'
import { providerAt, testRelay } from '../test-relay.js'
import { type Clients, clientsOf } from './clients.js'
import { conversations } from './conversations.js'
import { hosts } from './hosts.js'
import { json } from './json.js'
import { FILE, uploads } from './uploads.js'

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A form as its recipient parses it: the fields, and digests of the files. */
async function formIn({ headers, raw }: Seen): Promise<Map<string, string | { name: string; sha256: string }>> {
  const type = String(headers['content-type'])
  const form = await new Response(raw as Uint8Array<ArrayBuffer>, { headers: { 'content-type': type } }).formData()
  const read = async (value: string | File) =>
    typeof value === 'string' ? value : { name: value.name, sha256: digest(new Uint8Array(await value.arrayBuffer())) }
  return new Map(await Promise.all([...form].map(async ([name, value]) => [name, await read(value)] as const)))
}

describe.each(hosts)('in $name', ({ start }) => {
  const cleanup = new Cleanup()
  let dying: ScriptedUpstream
  let steady: ScriptedUpstream
  let clients: Clients

  beforeAll(async () => {
    dying = cleanup.add(await startUpstream((_req, res) => void res.destroy()))
    steady = cleanup.add(await startUpstream())
    const relay = cleanup.add(
      testRelay({
        providers: { dying: providerAt(dying), steady: providerAt(steady) },
        models: { m: 'steady/real-model', mended: ['dying/first-model', 'steady/second-model'] },
        retry: { attempts: 2, minDelayMs: 1 },
        health: { failures: 1000 },
        shutdownMs: 0,
      }),
    )
    clients = clientsOf(cleanup.add(await start(relay)))
  })
  afterAll(() => cleanup.run())
  beforeEach(() => {
    dying.seen.length = 0
    steady.seen.length = 0
  })

  test.each([...conversations, ...json])('$name', async ({ script, ask, result: gives, url, sentFields: sends }) => {
    steady.script = script
    expect(await ask(clients)).toEqual(gives)
    expect(steady.seen.map((seen) => seen.url)).toEqual(url ? [url] : [])
    if (sends) expect(JSON.parse(steady.seen[0]?.body ?? '')).toMatchObject(sends)
  })

  test('speech is streamed while the upstream generates it', async () => {
    let finish = (): void => undefined
    const spoken = new Promise<void>((resolve) => {
      finish = resolve
    })
    const script: Script = async (_req, res) => {
      res.writeHead(200, { 'content-type': 'audio/mpeg' }).write(FILE.subarray(0, 1000))
      await spoken
      res.end(FILE.subarray(1000))
    }
    steady.script = script
    const answer = await clients.openai.audio.speech.create({ model: 'm', voice: 'alloy', input: 'hello' })
    expect(answer.headers.get('content-type')).toBe('audio/mpeg')
    const chunks: Uint8Array[] = []
    // The upstream sends the rest only after the client has read the beginning, so buffering would hang here.
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      finish()
    }
    expect(digest(Buffer.concat(chunks))).toBe(digest(FILE))
    expect(JSON.parse(steady.seen[0]?.body ?? '')).toEqual({ model: 'real-model', voice: 'alloy', input: 'hello' })
  })

  test.each(uploads)('$name', async ({ script, ask, gives, url, field, fields }) => {
    steady.script = script
    expect(await ask(clients, 'm')).toEqual(gives)
    expect(steady.seen.map((seen) => seen.url)).toEqual([url])
    const form = await formIn(steady.seen[0] as Seen)
    expect(form.get(field)).toMatchObject({ sha256: digest(FILE) })
    expect(Object.fromEntries(form)).toMatchObject({ model: 'real-model', ...fields })
  })

  test.each(uploads)('$name, after the first upstream broke the connection', async ({ script, ask, gives, field }) => {
    steady.script = script
    expect(await ask(clients, 'mended')).toEqual(gives)
    expect([dying.seen.length, steady.seen.length]).toEqual([1, 1])
    const [lost, taken] = [await formIn(dying.seen[0] as Seen), await formIn(steady.seen[0] as Seen)]
    expect(taken.get(field)).toMatchObject({ sha256: digest(FILE) })
    expect(Object.fromEntries(lost)).toEqual({ ...Object.fromEntries(taken), model: 'first-model' })
    expect(taken.get('model')).toBe('second-model')
    // All but the name is the same, byte for byte, with boundaries and headers.
    const rest = ({ raw }: Seen, model: string) => raw.toString('latin1').replace(`\r\n${model}\r\n`, '\r\n\r\n')
    expect(rest(steady.seen[0] as Seen, 'second-model') === rest(dying.seen[0] as Seen, 'first-model')).toBe(true)
  })
})
