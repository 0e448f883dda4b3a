import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRecords, wholeRecords } from '../src/lib/sse.js'
import { type Case, cases } from './matrix/cases.js'
import { MatrixRelays, streamOf } from './matrix/matrix-relays.js'
import { readWholeStream, streamMeaning } from './matrix/meaning.js'
import { type ConversationProtocol, conversationProtocols } from './matrix/protocol-setups.js'
import { readStream, splitAt } from './matrix/streams.js'
import { pick, seeded } from './random.js'
import { answerStream, type Script } from './scripted-upstream.js'

let relays: MatrixRelays

beforeAll(async () => {
  relays = await MatrixRelays.start()
})

afterAll(() => relays.close())

/** Marks of success, which a failed answer must not contain. */
const SUCCESS: Readonly<Record<ConversationProtocol, RegExp>> = {
  'openai-chat': /\[DONE\]|"finish_reason":"/,
  'openai-responses': /response\.(?:completed|incomplete)/,
  // A passed-through stream may contain a stop reason before it fails. Only this event makes it complete.
  'anthropic-messages': /message_stop/,
  gemini: /"finishReason"/,
}

/** Protocols that can express the case's request. */
function clientsOf(testCase: Case): ConversationProtocol[] {
  return conversationProtocols.filter(
    (from) => testCase.request(from) !== undefined && testCase.cannotAsk[from] === undefined,
  )
}

const streamedCases = cases.flatMap((testCase) =>
  conversationProtocols
    .filter((to) => testCase.stream(to) !== undefined && testCase.cannotAnswer[to] === undefined)
    .map((to) => [testCase.name, to, testCase] as const),
)

describe('HC-112: a stream split anywhere on its way to the relay', () => {
  test.each(streamedCases)('%s from %s', async (_, to, testCase) => {
    const random = seeded(testCase.name.length)
    const bytes = streamOf(testCase, to)
    for (const from of clientsOf(testCase)) {
      const whole = streamMeaning((await relays.call(testCase, from, to, true)).bytes, from)
      for (let round = 0; round < 3; round++) {
        const positions = Array.from({ length: 1 + round * 3 }, () => Math.floor(random() * bytes.length))
        const result = await relays.call(testCase, from, to, true, answerStream(splitAt(bytes, positions), 1))
        expect(streamMeaning(result.bytes, from), `split at ${positions}`).toEqual(whole)
      }
    }
  })
})

/** Splits a stream into its records. */
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = []
  let rest = bytes
  for (let end = 1; end <= rest.length; end++) {
    if (wholeRecords(rest.subarray(0, end)) === 0) continue
    // A line end of two bytes ends with the second.
    const next = rest.subarray(end, end + 1).toString() === '\n' ? end + 1 : end
    records.push(rest.subarray(0, next))
    rest = rest.subarray(next)
    end = 0
  }
  return records
}

/** Sends these pieces, then resets the connection, or ends the response normally. */
function cutAfter(pieces: readonly Buffer[], how: 'broken' | 'ended'): Script {
  if (how === 'ended') return answerStream(pieces)
  return (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(Buffer.concat(pieces), () => res.destroy())
  }
}

const CUT_CASES = ['plain-text', 'parallel-calls', 'reasoning-signed', 'function-tool', 'length', 'cached-usage']
const cutStreams = cases
  .filter(({ name }) => CUT_CASES.includes(name))
  .flatMap((testCase) => conversationProtocols.map((to) => [testCase.name, to, testCase] as const))

describe('HC-096: a stream cut off after any record', () => {
  test.each(cutStreams)('%s from %s ends with an error', async (_, to, testCase) => {
    const random = seeded(9)
    const records = recordsOf(streamOf(testCase, to))
    expect(Buffer.concat(records)).toEqual(streamOf(testCase, to))
    let failures = 0
    for (const count of records.keys()) {
      const pieces = records.slice(0, count)
      const isWhole = readStream(pieces, to).state !== 'open'
      const from = pick(random, conversationProtocols)
      const result = await relays.call(testCase, from, to, true, cutAfter(pieces, pick(random, ['broken', 'ended'])))
      const text = result.bytes.toString()
      if (isWhole) expect(text).toMatch(SUCCESS[from])
      else {
        failures++
        expect(text, `${count} records for ${from}`).not.toMatch(SUCCESS[from])
        expect(result.status === 200 ? readWholeStream(result.bytes, from).upstreamError?.message : text).toMatch(/\w/)
        expect(result.outcome).toMatch(/cut|failed/)
        expect(text).not.toContain('resting')
      }
    }
    expect(failures).toBeGreaterThan(0)
  })
})

test('recordsOf splits a stream into its records', () => {
  const bytes = Buffer.from('data: a\n\ndata: b\r\n\r\n: c\n\n')
  expect(recordsOf(bytes).map(String)).toEqual(['data: a\n\n', 'data: b\r\n\r\n', ': c\n\n'])
  expect(readRecords(bytes)).toHaveLength(2)
})
