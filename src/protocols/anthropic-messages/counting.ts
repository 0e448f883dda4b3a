import type { ChatRequest } from '../../chat/request.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Counting, Writing } from '../protocol.js'
import { readCountRequest } from './read-request.js'
import { writeRequest } from './write-request.js'

/** How the tokens of a conversation are counted without an answer. */
export const counting: Counting = {
  pathFor: () => '/v1/messages/count_tokens',
  readRequest: readCountRequest,
  writeRequest: writeQuestion,
  readCount,
  writeCount: (tokens) => JSON.stringify({ input_tokens: tokens }),
}

/** What the count depends on: the endpoint takes nothing else. */
const COUNTED = ['model', 'messages', 'system', 'tools', 'tool_choice', 'thinking', 'output_config', 'cache_control']

function writeQuestion(request: ChatRequest, writing: Writing): string {
  const body: unknown = parseJson(writeRequest(request, writing))
  const entries = isObject(body) ? Object.entries(body).filter(([name]) => COUNTED.includes(name)) : []
  return JSON.stringify(Object.fromEntries(entries))
}

function readCount(body: Buffer): number | undefined {
  const answer = parseJson(body.toString())
  return isObject(answer) && typeof answer.input_tokens === 'number' ? answer.input_tokens : undefined
}
