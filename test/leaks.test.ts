import { createServer } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, expect, test } from 'vitest'
import { nodeRelay } from '../adapters/node.js'
import type { UsageRecord } from '../src/index.js'
import { Cleanup } from './cleanup.js'
import { listen } from './listen.js'
import { chatRequest, openaiClient } from './openai-client.js'
import { answerError, answerStream, answerWords, type Script, startUpstream, streamed } from './scripted-upstream.js'
import { providerAt, testRelay } from './test-relay.js'
import { pause, until } from './until.js'

const cleanup = new Cleanup()
afterAll(() => cleanup.run())

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heap(): Promise<number> {
  // An object that a callback releases becomes garbage only after the callback has returned.
  for (let turn = 0; turn < 3; turn++) {
    collect()
    await pause(5)
  }
  return process.memoryUsage().heapUsed
}

/** Timers that would keep the process alive. */
const timers = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'Timeout' || name === 'Immediate').length

const words = streamed(...Array.from({ length: 20 }, (_, index) => `word ${index} `))
const begins: Script = (_req, res) =>
  void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(words.slice(0, 4).join(''))
const cut: Script = (_req, res) =>
  void res.writeHead(200).write(words.slice(0, 5).join('').slice(0, -7), () => res.destroy())

/** Outcomes of a call: the upstream's script, and when the client disconnects. */
const outcomes: readonly {
  readonly script: Script
  readonly stream: boolean
  readonly leaves?: 'before' | 'midway'
}[] = [
  { script: answerWords('well'), stream: false },
  { script: answerStream(words), stream: true },
  { script: answerError(503, 'overloaded'), stream: false },
  { script: answerError(400, 'your fault'), stream: true },
  { script: cut, stream: true },
  { script: (_req, res) => void res.socket?.resetAndDestroy(), stream: true },
  { script: () => undefined, stream: false, leaves: 'before' },
  { script: () => undefined, stream: true, leaves: 'before' },
  { script: (_req, res) => void res.writeHead(200).write(words[0]), stream: true, leaves: 'before' },
  { script: begins, stream: true, leaves: 'midway' },
]

test('500 calls with every outcome leak no memory, timers or sockets', async () => {
  const timersBefore = timers()
  const first = cleanup.add(await startUpstream())
  const second = cleanup.add(await startUpstream(answerWords('second')))
  let records: UsageRecord[] = []
  const relay = testRelay({
    providers: { first: providerAt(first), second: providerAt(second) },
    models: { m: ['first/one', 'second/two'] },
    health: { failures: 1_000_000 },
    plugins: [{ done: (record) => void records.push(record) }],
  })
  const mounted = cleanup.add(await listen(createServer(nodeRelay(relay))))
  const client = openaiClient(mounted)
  first.script = (req, res, seen) => outcomes[JSON.parse(seen.body).n]?.script(req, res, seen)

  async function call(n: number): Promise<void> {
    const { stream = false, leaves } = outcomes[n] ?? {}
    const abortController = new AbortController()
    const asked = first.seen.length
    const answering = client.chat.completions.create(
      { ...chatRequest(), stream, n },
      { signal: abortController.signal },
    )
    const ended = answering
      .then(async (answer) => {
        if (!(Symbol.asyncIterator in answer)) return
        for await (const chunk of answer)
          if (chunk.choices[0]?.delta.content && leaves === 'midway') abortController.abort()
      })
      .catch(() => undefined)
    if (leaves === 'before') {
      await until(() => first.seen.length > asked, 5000)
      await pause(Math.random() * 5)
      abortController.abort()
    }
    await ended
  }
  async function calls(count: number): Promise<void> {
    let turn = 0
    const worker = async (): Promise<void> => {
      while (turn < count) await call(turn++ % outcomes.length)
    }
    await Promise.all(Array.from({ length: 10 }, worker))
    await until(() => records.length === count && first.running.size + second.running.size === 0)
    first.seen.length = 0
    second.seen.length = 0
  }

  await calls(100)
  records = []
  const before = await heap()
  await calls(500)

  const count = (outcome: string): number => records.filter((record) => record.outcome === outcome).length
  expect(count('complete')).toBe(200)
  expect(count('left')).toBe(200)
  expect(count('cut')).toBe(50)
  expect(count('failed')).toBe(50)
  expect(new Set(records.map(({ requestId }) => requestId)).size).toBe(500)
  expect(relay.explain('m').targets.map(({ busy }) => busy)).toEqual([0, 0])

  records = []
  expect((await heap()) - before).toBeLessThan(2 * 1024 * 1024)

  await relay.close()
  await until(() => first.sockets.size + second.sockets.size === 0)
  await mounted.close()
  await until(() => timers() <= timersBefore)
}, 40_000)
