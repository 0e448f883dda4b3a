import type { ChatRequest } from '../../chat/request.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { TokenCounting, WriteOptions } from '../protocol.js'
import { resourceOf } from './paths.js'
import { readCountRequest } from './request/read-request.js'
import { writeRequest } from './request/write-request.js'

/** Counts tokens by `countTokens`. */
export const tokenCounting: TokenCounting = {
  pathFor: (model) => `/v1beta/${resourceOf(model)}:countTokens`,
  readRequest: readCountRequest,
  writeRequest: writeCountRequest,
  readCount,
  writeCount: (tokens) => JSON.stringify({ totalTokens: tokens }),
}

/** Writes the whole request, because system text and tools count too. The body repeats the model's name. */
function writeCountRequest(request: ChatRequest, options: WriteOptions): string {
  const model = JSON.stringify(decodeURIComponent(resourceOf(options.model)))
  return `{"generateContentRequest":{"model":${model},${writeRequest(request, options).slice(1)}}`
}

function readCount(body: Buffer): number | undefined {
  const answer = parseJson(body.toString())
  if (!isObject(answer)) return undefined
  // Protobuf's JSON leaves out zeros.
  const { totalTokens = 0, error } = answer
  return typeof totalTokens === 'number' && error === undefined ? totalTokens : undefined
}
