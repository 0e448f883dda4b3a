import type { DemoFailure } from './protocol.js'

/** How a model of the demo behaves. */
export interface ModelBehaviour {
  /** The error that it answers with, instead of an answer. */
  readonly failure?: DemoFailure
  /** The `retry-after` of the failure. */
  readonly retryAfterSeconds?: number
  /** Closes the connection in the middle of the answer. */
  readonly breaksOff?: boolean
  readonly firstDelayMs: number
  /** Delay between two words. */
  readonly wordDelayMs: number
}

/** About the pace of a fast model. */
const TYPICAL_PACE = { firstDelayMs: 100, wordDelayMs: 30 }

/** The models of the demo, by names that say what they do. */
export const models: ReadonlyMap<string, ModelBehaviour> = new Map<string, ModelBehaviour>([
  ['demo', TYPICAL_PACE],
  ['demo-slow', { firstDelayMs: 3000, wordDelayMs: 300 }],
  ['demo-cut', { ...TYPICAL_PACE, breaksOff: true }],
  ['demo-500', { ...TYPICAL_PACE, failure: createFailure(500, 'The demo fails on demand.', 'server_error') }],
  [
    'demo-429',
    {
      ...TYPICAL_PACE,
      retryAfterSeconds: 1,
      failure: createFailure(429, 'The demo is over its rate limit.', 'rate_limit_exceeded'),
    },
  ],
])

/** The error for a model that the demo does not have. */
export const unknownModel: DemoFailure = createFailure(
  404,
  'The demo has no such model.',
  'invalid_request_error',
  'model_not_found',
)

function createFailure(status: number, message: string, type: string, code: string = type): DemoFailure {
  return { status, message, type, code }
}
