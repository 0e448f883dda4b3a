import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bench, streamOf, withoutModel } from './matrix/bench.js'
import { type Case, cases, rowsFor } from './matrix/cases.js'
import { expected, lostOver, signedAs, spelled } from './matrix/expectation.js'
import { type Language, languages } from './matrix/languages.js'
import { answerMeaning, meaningOf, streamMeaning } from './matrix/meaning.js'

let bench: Bench

beforeAll(async () => {
  bench = await Bench.start()
})

afterAll(() => bench.close())

interface Pair {
  readonly of: Case
  readonly from: Language
  readonly to: Language
}

const pairs: readonly Pair[] = cases.flatMap((of) =>
  languages
    .filter((from) => of.request(from) !== undefined && of.absent[from] === undefined)
    .flatMap((from) => languages.filter((to) => of.mute[to] === undefined).map((to) => ({ of, from, to }))),
)

const across = pairs.filter(({ from, to }) => from !== to)
const refused = across.filter(({ of, from, to }) => rowsFor(of.refused, from, to).length > 0)
const passed = across.filter((pair) => !refused.includes(pair))
const alike = pairs.filter(({ from, to }) => from === to)

function named(pairs: readonly Pair[]): [name: string, pair: Pair][] {
  return pairs.map((pair) => [`${pair.of.name}: ${pair.from} → ${pair.to}`, pair])
}

describe.each([
  ['whole', false],
  ['streamed', true],
])('%s', (_, stream) => {
  test.each(named(passed))('%s', async (_, { of, from, to }) => {
    const { status, sent, told, recorded, bytes } = await bench.exchange(of, from, to, stream)
    expect(status, bytes.toString()).toBe(200)
    const asked = meaningOf(sent?.body ?? '', to, stream)
    expect(asked).toEqual(expected(meaningOf(of.request(to) ?? '', to, stream), of, from, to, 'request'))
    const lost = lostOver(of, from, to)
    const ofAnswer = stream ? lost.stream : lost.answer
    expect(recorded).toEqual([...lost.request, ...ofAnswer].sort())
    expect(told).toEqual(stream ? lost.request : recorded)
    const answered = stream ? streamMeaning(bytes, from) : answerMeaning(bytes, from)
    const ways = stream ? (['answer', 'stream'] as const) : (['answer'] as const)
    const meant = ways.reduce(
      (meaning, way) => expected(meaning, of, from, to, way),
      signedAs(answerMeaning(of.answer(from) ?? '', from), answerMeaning(of.answer(to) ?? '', to)),
    )
    expect(answered).toEqual(meant)
  })

  test.each(named(refused))('%s is refused', async (_, { of, from, to }) => {
    const { status, sent, bytes } = await bench.exchange(of, from, to, stream)
    const [row] = rowsFor(of.refused, from, to)
    expect(sent).toBeUndefined()
    expect(status).toBe(row?.status)
    expect(bytes.toString()).toContain(spelled(row?.path ?? '', from))
  })

  test.each(named(alike))('%s goes as it is', async (_, { of, from, to }) => {
    const { status, sent, told, bytes } = await bench.exchange(of, from, to, stream)
    expect(status, bytes.toString()).toBe(200)
    const body = JSON.parse(sent?.body ?? '') as Record<string, unknown>
    expect(withoutModel(sent?.body ?? '')).toMatchObject(withoutModel(of.request(from) ?? '') as object)
    if (from !== 'gemini') expect(body.model).not.toBe('m')
    expect(told).toEqual([])
    expect(bytes.toString()).toBe(stream ? streamOf(of, to).toString() : of.answer(to))
  })
})

test('a case is asked in every language, or says why not', () => {
  const silent = cases.flatMap((of) =>
    languages
      .filter((language) => of.request(language) === undefined && of.absent[language] === undefined)
      .map((language) => `${of.name} in ${language}`),
  )
  expect(silent).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(44)
})

test('what a case declares to differ does differ', () => {
  const idle = cases.flatMap((of) =>
    of.differs
      .filter((row) => !passed.some((pair) => pair.of === of && differs({ ...of, differs: [row] }, pair)))
      .map(({ at }) => `${of.name}: ${at}`),
  )
  expect(idle).toEqual([])
})

function differs(of: Case, { from, to }: Pair): boolean {
  const request = meaningOf(of.request(to) ?? '', to, false)
  const answer = answerMeaning(of.answer(from) ?? '', from)
  return (['request', 'answer', 'stream'] as const).some((way) => {
    const meaning = way === 'request' ? request : answer
    return JSON.stringify(expected(meaning, of, from, to, way)) !== JSON.stringify(meaning)
  })
}
