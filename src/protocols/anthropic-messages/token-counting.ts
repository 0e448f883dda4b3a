import { readInputTokens, selectFields } from '../counting.js'
import type { TokenCounting } from '../protocol.js'
import { readCountRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'

/** Counts a conversation's tokens with the `count_tokens` endpoint. */
export const tokenCounting: TokenCounting = {
  pathFor: () => '/v1/messages/count_tokens',
  readRequest: readCountRequest,
  writeRequest: (request, options) => selectFields(writeRequest(request, options), FIELDS),
  readCount: readInputTokens,
  writeCount: (tokens) => JSON.stringify({ input_tokens: tokens }),
}

/** The fields that the endpoint accepts. */
const FIELDS = ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control']
