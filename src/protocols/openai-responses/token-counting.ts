import { readInputTokens, selectFields } from '../counting.js'
import type { TokenCounting } from '../protocol.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'

/** Counts tokens by the endpoint `/responses/input_tokens`. */
export const tokenCounting: TokenCounting = {
  pathFor: () => '/responses/input_tokens',
  readRequest,
  writeRequest: (request, options) => selectFields(writeRequest(request, options), SUPPORTED_FIELDS),
  readCount: readInputTokens,
  writeCount: (tokens) => JSON.stringify({ object: 'response.input_tokens', input_tokens: tokens }),
}

/** The only fields that the endpoint accepts. */
const SUPPORTED_FIELDS = [
  'model',
  'instructions',
  'input',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'reasoning',
  'truncation',
]
