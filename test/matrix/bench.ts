import { createServer } from 'node:http'
import { nodeRelay } from '../../adapters/node.js'
import { Losses } from '../../src/chat/losses.js'
import { replayAsEvents } from '../../src/chat/replay-answer.js'
import type { UsageRecord } from '../../src/index.js'
import { isObject } from '../../src/lib/values.js'
import { protocolOf } from '../../src/protocols/index.js'
import { Cleanup, listen, testRelay } from '../mounts.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../upstream.js'
import type { Case } from './cases.js'
import { type Language, pathOf, speaking } from './languages.js'

/** What came of one call over a pair of languages. */
export interface Exchanged {
  readonly status: number
  /** The paths that the header names, in order. */
  readonly told: readonly string[]
  /** Those in the usage record. */
  readonly recorded: readonly string[]
  readonly bytes: Buffer
  /** As the usage record has it. */
  readonly outcome: string | undefined
  /** What reached the upstream; nothing when the relay refused. */
  readonly sent: { readonly url: string; readonly body: string } | undefined
}

/** One relay for each target, all before the same scripted upstream. */
export class Bench {
  readonly upstream: ScriptedUpstream
  readonly #cleanup: Cleanup
  readonly #origins = new Map<string, string>()
  readonly #records = new Map<string, UsageRecord>()

  private constructor(upstream: ScriptedUpstream, cleanup: Cleanup) {
    this.upstream = upstream
    this.#cleanup = cleanup
  }

  static async start(): Promise<Bench> {
    const cleanup = new Cleanup()
    return new Bench(cleanup.add(await startUpstream()), cleanup)
  }

  close(): Promise<void> {
    return this.#cleanup.run()
  }

  /** Asks in one language what the upstream is asked in another. */
  async exchange(of: Case, from: Language, to: Language, stream: boolean, script?: Script): Promise<Exchanged> {
    const origin = await this.#origin(to, of.models[to] ?? speaking[to].model)
    const { path, headers, asking } = speaking[from]
    this.upstream.seen.length = 0
    this.upstream.script = script ?? scriptFor(of, to, stream)
    const asked = JSON.parse(of.request(from) ?? '{}') as object
    const response = await fetch(origin + path(stream), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(stream ? { ...asked, ...asking } : asked),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const [sent] = this.upstream.seen
    const record = this.#records.get(response.headers.get('x-request-id') ?? '')
    const recorded = record?.losses.map(({ path }) => path).sort() ?? []
    const told = pathsIn(response.headers)
    return { status: response.status, told, recorded, outcome: record?.outcome, bytes, sent }
  }

  async #origin(to: Language, model: string): Promise<string> {
    const key = `${to} ${model}`
    const known = this.#origins.get(key)
    if (known) return known
    const relay = this.#cleanup.add(
      testRelay({
        providers: { there: speaking[to].provider(this.upstream.port) },
        models: { m: `there/${model}` },
        // Upstreams here break off all the time, and each call is to see it once.
        health: { failures: 1_000_000 },
        retry: { attempts: 1 },
        plugins: [{ done: (record) => void this.#records.set(record.requestId, record) }],
      }),
    )
    const { port } = this.#cleanup.add(await listen(createServer(nodeRelay(relay))))
    const origin = `http://127.0.0.1:${port}`
    this.#origins.set(key, origin)
    return origin
  }
}

function pathsIn(headers: Headers): string[] {
  const told = headers.get('x-modelmount-losses')
  return told === null
    ? []
    : told
        .split('; ')
        .map((loss) => loss.split(': ', 1)[0] ?? '')
        .sort()
}

function scriptFor(of: Case, language: Language, stream: boolean): Script {
  const answer = of.answer(language)
  return stream && answer ? answerStream([streamOf(of, language)]) : answerJson(answer ?? '{}')
}

/** A case's stream: written by hand, or by the language's own writer from the whole answer. */
export function streamOf(of: Case, language: Language): Buffer {
  return of.stream(language) ?? Buffer.from(writtenStream(of, language))
}

function writtenStream(of: Case, language: Language): string {
  const protocol = protocolOf(language)
  const request = { ...protocol.readRequest(Buffer.from(of.request(language) ?? ''), pathOf(true)), wantsUsage: true }
  const answer = protocol.readAnswer(Buffer.from(of.answer(language) ?? ''), { id: 'made' })
  if (JSON.stringify(answer).includes('"signature":{')) throw new Error(`${of.name} needs a stream in ${language}`)
  const { model = '' } = answer
  const writer = protocol.writeStream({
    id: 'made',
    model,
    createdAt: 1,
    issuer: '',
    request,
    losses: new Losses(language),
  })
  let text = ''
  replayAsEvents(answer, (event) => {
    text += writer.write(event)
  })
  return text + writer.end()
}

/** A body with the model's name taken out, to be compared with another. */
export function withoutModel(body: string): unknown {
  const value: unknown = JSON.parse(body)
  return isObject(value) ? { ...value, model: undefined } : value
}
