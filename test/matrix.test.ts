import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Case, cases, rowsFor } from './matrix/cases.js'
import { clientPath, expectedLosses, expectedMeaning, withSignaturesOf } from './matrix/expected.js'
import { MatrixRelays, streamOf, withoutModel } from './matrix/matrix-relays.js'
import { answerMeaning, requestMeaning, streamMeaning } from './matrix/meaning.js'
import { type ConversationProtocol, conversationProtocols } from './matrix/protocol-setups.js'

let relays: MatrixRelays

beforeAll(async () => {
  relays = await MatrixRelays.start()
})

afterAll(() => relays.close())

interface Pair {
  readonly testCase: Case
  readonly from: ConversationProtocol
  readonly to: ConversationProtocol
}

const pairs: readonly Pair[] = cases.flatMap((testCase) =>
  conversationProtocols
    .filter((from) => testCase.request(from) !== undefined && testCase.cannotAsk[from] === undefined)
    .flatMap((from) =>
      conversationProtocols
        .filter((to) => testCase.cannotAnswer[to] === undefined)
        .map((to) => ({ testCase, from, to })),
    ),
)

const translatedPairs = pairs.filter(({ from, to }) => from !== to)
const refused = translatedPairs.filter(({ testCase, from, to }) => rowsFor(testCase.refused, from, to).length > 0)
const accepted = translatedPairs.filter((pair) => !refused.includes(pair))
const sameProtocol = pairs.filter(({ from, to }) => from === to)

function withNames(pairs: readonly Pair[]): [name: string, pair: Pair][] {
  return pairs.map((pair) => [`${pair.testCase.name}: ${pair.from} → ${pair.to}`, pair])
}

describe.each([
  ['whole', false],
  ['streamed', true],
])('%s', (_, stream) => {
  test.each(withNames(accepted))('%s', async (_, { testCase, from, to }) => {
    const { status, sent, headerLosses, recordedLosses, bytes } = await relays.call(testCase, from, to, stream)
    expect(status, bytes.toString()).toBe(200)
    const meaning = requestMeaning(sent?.body ?? '', to, stream)
    expect(meaning).toEqual(
      expectedMeaning(requestMeaning(testCase.request(to) ?? '', to, stream), testCase, from, to, 'request'),
    )
    const lost = expectedLosses(testCase, from, to)
    const answerLosses = stream ? lost.stream : lost.answer
    expect(recordedLosses).toEqual([...lost.request, ...answerLosses].sort())
    expect(headerLosses).toEqual(stream ? lost.request : recordedLosses)
    const answer = stream ? streamMeaning(bytes, from) : answerMeaning(bytes, from)
    const parts = stream ? (['answer', 'stream'] as const) : (['answer'] as const)
    const expected = parts.reduce(
      (meaning, part) => expectedMeaning(meaning, testCase, from, to, part),
      withSignaturesOf(answerMeaning(testCase.answer(from) ?? '', from), answerMeaning(testCase.answer(to) ?? '', to)),
    )
    expect(answer).toEqual(expected)
  })

  test.each(withNames(refused))('%s is refused', async (_, { testCase, from, to }) => {
    const { status, sent, bytes } = await relays.call(testCase, from, to, stream)
    const [row] = rowsFor(testCase.refused, from, to)
    expect(sent).toBeUndefined()
    expect(status).toBe(row?.status)
    expect(bytes.toString()).toContain(clientPath(row?.path ?? '', from))
  })

  test.each(withNames(sameProtocol))('%s passes unchanged', async (_, { testCase, from, to }) => {
    const { status, sent, headerLosses, bytes } = await relays.call(testCase, from, to, stream)
    expect(status, bytes.toString()).toBe(200)
    const body = JSON.parse(sent?.body ?? '') as Record<string, unknown>
    expect(withoutModel(sent?.body ?? '')).toMatchObject(withoutModel(testCase.request(from) ?? '') as object)
    if (from !== 'gemini') expect(body.model).not.toBe('m')
    expect(headerLosses).toEqual([])
    expect(bytes.toString()).toBe(stream ? streamOf(testCase, to).toString() : testCase.answer(to))
  })
})

test('every case has a request in every protocol, or a reason why not', () => {
  const missing = cases.flatMap((testCase) =>
    conversationProtocols
      .filter(
        (protocolId) => testCase.request(protocolId) === undefined && testCase.cannotAsk[protocolId] === undefined,
      )
      .map((protocolId) => `${testCase.name} in ${protocolId}`),
  )
  expect(missing).toEqual([])
  expect(cases.length).toBeGreaterThanOrEqual(44)
})

test('every declared difference is real', () => {
  const unused = cases.flatMap((testCase) =>
    testCase.differences
      .filter(
        (row) =>
          !accepted.some((pair) => pair.testCase === testCase && differs({ ...testCase, differences: [row] }, pair)),
      )
      .map(({ at }) => `${testCase.name}: ${at}`),
  )
  expect(unused).toEqual([])
})

function differs(testCase: Case, { from, to }: Pair): boolean {
  const request = requestMeaning(testCase.request(to) ?? '', to, false)
  const answer = answerMeaning(testCase.answer(from) ?? '', from)
  return (['request', 'answer', 'stream'] as const).some((part) => {
    const meaning = part === 'request' ? request : answer
    return JSON.stringify(expectedMeaning(meaning, testCase, from, to, part)) !== JSON.stringify(meaning)
  })
}
