import { createServer } from 'node:http'
import { nodeRelay } from '../../adapters/node.js'
import { Losses } from '../../src/chat/losses.js'
import { replayAsEvents } from '../../src/chat/replay-answer.js'
import type { UsageRecord } from '../../src/index.js'
import { isObject } from '../../src/lib/values.js'
import { protocolOf } from '../../src/protocols/index.js'
import { Cleanup } from '../cleanup.js'
import { listen } from '../listen.js'
import { answerJson, answerStream, type Script, type ScriptedUpstream, startUpstream } from '../scripted-upstream.js'
import { testRelay } from '../test-relay.js'
import type { Case } from './cases.js'
import { type ConversationProtocol, pathFacts, setups } from './protocol-setups.js'

/** The result of one call from one protocol to another. */
export interface CallResult {
  readonly status: number
  /** The paths in `x-modelmount-losses`, sorted. */
  readonly headerLosses: readonly string[]
  /** The paths in the usage record, sorted. */
  readonly recordedLosses: readonly string[]
  readonly bytes: Buffer
  /** From the usage record. */
  readonly outcome: string | undefined
  /** The request that reached the upstream; undefined if the relay refused the call. */
  readonly sent: { readonly url: string; readonly body: string } | undefined
}

/** One relay per target, all with the same scripted upstream. */
export class MatrixRelays {
  readonly upstream: ScriptedUpstream
  readonly #cleanup: Cleanup
  readonly #origins = new Map<string, string>()
  readonly #records = new Map<string, UsageRecord>()

  private constructor(upstream: ScriptedUpstream, cleanup: Cleanup) {
    this.upstream = upstream
    this.#cleanup = cleanup
  }

  static async start(): Promise<MatrixRelays> {
    const cleanup = new Cleanup()
    return new MatrixRelays(cleanup.add(await startUpstream()), cleanup)
  }

  close(): Promise<void> {
    return this.#cleanup.run()
  }

  /** Sends a case's request in one protocol to an upstream of another. */
  async call(
    testCase: Case,
    from: ConversationProtocol,
    to: ConversationProtocol,
    stream: boolean,
    script?: Script,
  ): Promise<CallResult> {
    const origin = await this.#origin(to, testCase.models[to] ?? setups[to].model)
    const { path, headers, streamFields } = setups[from]
    this.upstream.seen.length = 0
    this.upstream.script = script ?? scriptFor(testCase, to, stream)
    const body = JSON.parse(testCase.request(from) ?? '{}') as object
    const response = await fetch(origin + path(stream), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(stream ? { ...body, ...streamFields } : body),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const [sent] = this.upstream.seen
    const record = this.#records.get(response.headers.get('x-request-id') ?? '')
    const recordedLosses = record?.losses.map(({ path }) => path).sort() ?? []
    const header = lossesInHeader(response.headers)
    return { status: response.status, headerLosses: header, recordedLosses, outcome: record?.outcome, bytes, sent }
  }

  async #origin(to: ConversationProtocol, model: string): Promise<string> {
    const key = `${to} ${model}`
    const existing = this.#origins.get(key)
    if (existing) return existing
    const relay = this.#cleanup.add(
      testRelay({
        providers: { there: setups[to].provider(this.upstream.port) },
        models: { m: `there/${model}` },
        // The tests break streams on purpose, and each call must see that once.
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

function lossesInHeader(headers: Headers): string[] {
  const header = headers.get('x-modelmount-losses')
  return header === null
    ? []
    : header
        .split('; ')
        .map((loss) => loss.split(': ', 1)[0] ?? '')
        .sort()
}

function scriptFor(testCase: Case, protocolId: ConversationProtocol, stream: boolean): Script {
  const answer = testCase.answer(protocolId)
  return stream && answer ? answerStream([streamOf(testCase, protocolId)]) : answerJson(answer ?? '{}')
}

/** A case's stream: written by hand, or by the protocol's writer from the whole answer. */
export function streamOf(testCase: Case, protocolId: ConversationProtocol): Buffer {
  return testCase.stream(protocolId) ?? Buffer.from(writeCaseStream(testCase, protocolId))
}

function writeCaseStream(testCase: Case, protocolId: ConversationProtocol): string {
  const protocol = protocolOf(protocolId)
  const request = {
    ...protocol.readRequest(Buffer.from(testCase.request(protocolId) ?? ''), pathFacts(true)),
    wantsUsage: true,
  }
  const answer = protocol.readAnswer(Buffer.from(testCase.answer(protocolId) ?? ''), { id: 'made' })
  if (JSON.stringify(answer).includes('"signature":{'))
    throw new Error(`${testCase.name} needs a stream in ${protocolId}`)
  const { model = '' } = answer
  const writer = protocol.writeStream({
    id: 'made',
    model,
    createdAt: 1,
    issuer: '',
    request,
    losses: new Losses(protocolId),
  })
  let text = ''
  replayAsEvents(answer, (event) => {
    text += writer.write(event)
  })
  return text + writer.end()
}

/** A body without the model's name, for comparison with another. */
export function withoutModel(body: string): unknown {
  const value: unknown = JSON.parse(body)
  return isObject(value) ? { ...value, model: undefined } : value
}
