import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRecords, wholeRecords } from '../src/lib/sse.js'
import { Bench, streamOf } from './matrix/bench.js'
import { type Case, cases } from './matrix/cases.js'
import { type Language, languages } from './matrix/languages.js'
import { readWhole, streamMeaning } from './matrix/meaning.js'
import { cutAt, heard } from './matrix/piping.js'
import { pick, seeded } from './random.js'
import { answerStream, type Script } from './upstream.js'

let bench: Bench

beforeAll(async () => {
  bench = await Bench.start()
})

afterAll(() => bench.close())

/** What no failed answer may hold, since its clients would take it for whole. */
const SUCCESS: Readonly<Record<Language, RegExp>> = {
  'openai-chat': /\[DONE\]|"finish_reason":"/,
  'openai-responses': /response\.(?:completed|incomplete)/,
  // What is passed on as it came may have told its reason already: this alone makes it whole.
  'anthropic-messages': /message_stop/,
  gemini: /"finishReason"/,
}

/** Those who may ask what the case asks. */
function askersOf(of: Case): Language[] {
  return languages.filter((from) => of.request(from) !== undefined && of.absent[from] === undefined)
}

const written = cases.flatMap((of) =>
  languages
    .filter((to) => of.stream(to) !== undefined && of.mute[to] === undefined)
    .map((to) => [of.name, to, of] as const),
)

describe('HC-112: a stream cut anywhere on its way to the relay', () => {
  test.each(written)('%s from %s', async (_, to, of) => {
    const random = seeded(of.name.length)
    const bytes = streamOf(of, to)
    for (const from of askersOf(of)) {
      const whole = streamMeaning((await bench.exchange(of, from, to, true)).bytes, from)
      for (let round = 0; round < 3; round++) {
        const places = Array.from({ length: 1 + round * 3 }, () => Math.floor(random() * bytes.length))
        const come = await bench.exchange(of, from, to, true, answerStream(cutAt(bytes, places), 1))
        expect(streamMeaning(come.bytes, from), `cut at ${places}`).toEqual(whole)
      }
    }
  })
})

/** The same bytes as one record each. */
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = []
  let rest = bytes
  for (let end = 1; end <= rest.length; end++) {
    if (wholeRecords(rest.subarray(0, end)) === 0) continue
    // A line end that comes in two bytes ends with the second.
    const next = rest.subarray(end, end + 1).toString() === '\n' ? end + 1 : end
    records.push(rest.subarray(0, next))
    rest = rest.subarray(next)
    end = 0
  }
  return records
}

/** Sends so much and then breaks the connection, or closes it as if all were said. */
function breaksOff(pieces: readonly Buffer[], how: 'broken' | 'ended'): Script {
  if (how === 'ended') return answerStream(pieces)
  return (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write(Buffer.concat(pieces), () => res.destroy())
  }
}

const CUT = ['plain-text', 'parallel-calls', 'reasoning-signed', 'function-tool', 'length', 'cached-usage']
const cut = cases
  .filter(({ name }) => CUT.includes(name))
  .flatMap((of) => languages.map((to) => [of.name, to, of] as const))

describe('HC-096: a stream cut off after any record', () => {
  test.each(cut)('%s from %s ends with an error, never in silence', async (_, to, of) => {
    const random = seeded(9)
    const records = recordsOf(streamOf(of, to))
    expect(Buffer.concat(records)).toEqual(streamOf(of, to))
    let failures = 0
    for (const count of records.keys()) {
      const pieces = records.slice(0, count)
      const isWhole = heard(pieces, to).state !== 'open'
      const from = pick(random, languages)
      const come = await bench.exchange(of, from, to, true, breaksOff(pieces, pick(random, ['broken', 'ended'])))
      const text = come.bytes.toString()
      if (isWhole) expect(text).toMatch(SUCCESS[from])
      else {
        failures++
        expect(text, `${count} records for ${from}`).not.toMatch(SUCCESS[from])
        expect(come.status === 200 ? readWhole(come.bytes, from).upstreamError?.message : text).toMatch(/\w/)
        expect(come.outcome).toMatch(/cut|failed/)
        expect(text).not.toContain('resting')
      }
    }
    expect(failures).toBeGreaterThan(0)
  })
})

test('the records of a stream are its records', () => {
  const bytes = Buffer.from('data: a\n\ndata: b\r\n\r\n: c\n\n')
  expect(recordsOf(bytes).map(String)).toEqual(['data: a\n\n', 'data: b\r\n\r\n', ': c\n\n'])
  expect(readRecords(bytes)).toHaveLength(2)
})
