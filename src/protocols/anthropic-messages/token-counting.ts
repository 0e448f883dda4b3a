import { readInputTokens, selectFields } from '../counting.js'
import type { TokenCounting } from '../protocol.js'
import { readCountRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'

/** How the tokens of a conversation are counted without an answer. */
export const counting: TokenCounting = {
  pathFor: () => '/v1/messages/count_tokens',
  readRequest: readCountRequest,
  writeRequest: (request, writing) => selectFields(writeRequest(request, writing), COUNTED),
  readCount: readInputTokens,
  writeCount: (tokens) => JSON.stringify({ input_tokens: tokens }),
}

/** What the count depends on: the endpoint takes nothing else. */
const COUNTED = ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control']
