import Anthropic from '@anthropic-ai/sdk'
import { ApiError } from '@google/genai'
import { APICallError } from 'ai'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { Cleanup } from '../cleanup.js'
import type { Script } from '../scripted-upstream.js'
import { KEY } from '../test-relay.js'
import type { SdkClient } from './clients/sdk-client.js'
import { sdkClients } from './sdk-clients.js'
import { answerWithError, failMidStream, protocols, startSdkHarness } from './sdk-harness.js'
import { openaiChat } from './upstreams/openai-chat.js'
import type { UpstreamProtocol } from './upstreams/upstream-protocol.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

/** Kinds of failure, and the upstream's script for each. */
const FAILURES = {
  key: undefined,
  model: undefined,
  bad: (protocol) => answerWithError(protocol, 400, 'Too many cooks'),
  rate: (protocol) => answerWithError(protocol, 429, 'Slow down', { 'retry-after': '7' }),
  overloaded: (protocol) => answerWithError(protocol, 529, 'Too busy'),
} as const satisfies Record<string, undefined | ((protocol: UpstreamProtocol) => Script)>
type Failure = keyof typeof FAILURES

async function failing(client: SdkClient, protocol: UpstreamProtocol, failure: Failure): Promise<Error> {
  const { upstream, origin } = await startSdkHarness(protocol, cleanup, failure === 'model' ? ['other'] : undefined)
  const script = FAILURES[failure]
  if (script) upstream.script = script(protocol)
  const session = client.openSession(origin, failure === 'key' ? 'sk-wrong' : KEY)
  const error: unknown = await session.ask({ text: 'Hi' }).catch((caught: unknown) => caught)
  if (error instanceof Error) return error
  return expect.unreachable(`it was ${JSON.stringify(error)}`)
}

interface Row {
  readonly is: abstract new (...of: never) => Error
  readonly fields: object
}

const openai = (type: string, code: string | null, status: number, is: Row['is']): Row => ({
  is,
  fields: { status, type, code },
})
const anthropic = (type: string, status: number, is: Row['is']): Row => ({
  is,
  fields: { status, type, error: { type: 'error', error: { type } }, requestID: expect.stringMatching(/^req_/) },
})
const google = (status: number, word: string, more = ''): Row => ({
  is: ApiError,
  fields: { status, message: expect.stringMatching(new RegExp(`"code":${status},.*"status":"${word}".*${more}`)) },
})
const ai = (statusCode: unknown, isRetryable: boolean, more: object = {}): Row => ({
  is: APICallError,
  fields: { statusCode, isRetryable, ...more },
})

const INVALID = 'invalid_request_error'
const EXPECTED: Record<SdkClient['sdk'], Record<Failure, Row>> = {
  openai: {
    key: openai(INVALID, 'invalid_api_key', 401, OpenAI.AuthenticationError),
    model: openai(INVALID, 'model_not_found', 404, OpenAI.NotFoundError),
    bad: openai(INVALID, null, 400, OpenAI.BadRequestError),
    rate: openai('rate_limit_error', 'rate_limit_exceeded', 429, OpenAI.RateLimitError),
    overloaded: openai(
      'server_error',
      expect.stringMatching(/^(server_error|overloaded)$/),
      503,
      OpenAI.InternalServerError,
    ),
  },
  anthropic: {
    key: anthropic('authentication_error', 401, Anthropic.AuthenticationError),
    model: anthropic('not_found_error', 404, Anthropic.NotFoundError),
    bad: anthropic(INVALID, 400, Anthropic.BadRequestError),
    rate: anthropic('rate_limit_error', 429, Anthropic.RateLimitError),
    overloaded: anthropic('overloaded_error', 529, Anthropic.InternalServerError),
  },
  genai: {
    key: google(401, 'UNAUTHENTICATED'),
    model: google(404, 'NOT_FOUND'),
    bad: google(400, 'INVALID_ARGUMENT'),
    rate: google(429, 'RESOURCE_EXHAUSTED', '"retryDelay":"7s"'),
    overloaded: google(503, 'UNAVAILABLE'),
  },
  ai: {
    key: ai(401, false),
    model: ai(404, false),
    bad: ai(400, false),
    rate: ai(429, true, { responseHeaders: expect.objectContaining({ 'retry-after': '7' }) }),
    overloaded: ai(
      expect.toSatisfy((status) => status === 503 || status === 529),
      true,
    ),
  },
}
const MESSAGES: Record<Failure, RegExp> = {
  key: /Incorrect API key/,
  model: /does not exist/,
  bad: /Too many cooks/,
  rate: /Slow down/,
  overloaded: /Too busy/,
}

/** How each SDK reports a failure after the first output. */
function expectedStreamError({ sdk, name }: SdkClient, { id }: UpstreamProtocol, cause: string | undefined): object {
  const message = cause ?? 'The provider broke off the connection.'
  const containsMessage = expect.stringContaining(message)
  // OpenAI's helper returns a failed response as the final one. The relay cannot add one to a cut stream that passes through.
  const isKnown = cause !== undefined || id !== 'openai-responses'
  if (name.startsWith('openai responses') && isKnown) return { finish: 'failed' }
  if (sdk === 'openai') return { constructor: OpenAI.APIError, type: 'server_error', message }
  const status = expect.toSatisfy((number) => number >= 500)
  if (sdk === 'genai') return { constructor: ApiError, status, message: containsMessage }
  const type = expect.stringMatching(/^(api|overloaded)_error$/)
  if (sdk === 'anthropic') return { constructor: Anthropic.APIError, type, error: { error: { type, message } } }
  return { message }
}

async function expectError(client: SdkClient, protocol: UpstreamProtocol, failure: Failure): Promise<void> {
  const error = await failing(client, protocol, failure)
  const { is, fields } = EXPECTED[client.sdk][failure]
  expect(error).toBeInstanceOf(is)
  expect(error).toMatchObject(fields)
  expect(error.message).toMatch(MESSAGES[failure])
  if (failure !== 'rate' || !('headers' in error)) return
  expect(new Headers(error.headers as Headers).get('retry-after')).toBe('7')
}

describe.each(sdkClients)('$name', (client) => {
  test.each(['key', 'model'] as const)("throws its own class for the relay's error: %s", (failure) => {
    return expectError(client, openaiChat, failure)
  })

  describe.each(protocols)('with a model in $id', (protocol) => {
    test.each(['bad', 'rate', 'overloaded'] as const)(
      "throws its own class for the upstream's error: %s",
      (failure) => {
        return expectError(client, protocol, failure)
      },
    )

    test.runIf(client.streams).each(['It broke', undefined])(
      'throws for a stream that fails after output: %s',
      async (message) => {
        const { upstream, origin } = await startSdkHarness(protocol, cleanup)
        upstream.script = failMidStream(protocol, message)
        const failure: unknown = await client
          .openSession(origin, KEY)
          .ask({ text: 'Hi' })
          .catch((caught: unknown) => caught)
        expect(failure).toMatchObject(expectedStreamError(client, protocol, message))
      },
    )
  })
})
