import { readInputTokens, selectFields } from '../counting.js'
import type { TokenCounting } from '../protocol.js'
import { readRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'

/** How the tokens of a conversation are counted without an answer. */
export const counting: TokenCounting = {
  pathFor: () => '/responses/input_tokens',
  readRequest,
  writeRequest: (request, writing) => selectFields(writeRequest(request, writing), COUNTED),
  readCount: readInputTokens,
  writeCount: (tokens) => JSON.stringify({ object: 'response.input_tokens', input_tokens: tokens }),
}

/** What the count depends on: the endpoint takes nothing else. */
const COUNTED = [
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
