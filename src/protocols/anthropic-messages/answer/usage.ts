import { count, countParts, NO_USAGE, type Usage } from '../../../chat/usage.js'
import { isObject } from '../../../lib/values.js'

/**
 * Reads `usage`. Returns `before` where there is none. Anthropic's `input_tokens` excludes tokens that the cache read or
 * stored. A stream reports cumulative counts twice. Either report may lack a count, so the larger one applies.
 */
export function readUsage(value: unknown, before?: Usage): Usage | undefined {
  if (!isObject(value)) return before
  const cachedInput = count(value.cache_read_input_tokens)
  const cacheWriteInput = count(value.cache_creation_input_tokens)
  const { output_tokens_details: details, cache_creation: written, server_tool_use: tools } = value
  const read: Usage = {
    input: count(value.input_tokens) + cachedInput + cacheWriteInput,
    cachedInput,
    cacheWriteInput,
    output: count(value.output_tokens),
    reasoning: isObject(details) ? count(details.thinking_tokens) : 0,
    ...countParts({
      cacheWriteLongInput: isObject(written) && written.ephemeral_1h_input_tokens,
      webSearches: isObject(tools) && tools.web_search_requests,
    }),
  }
  return before ? largerCounts(before, read) : read
}

/** Input tokens that the cache neither read nor stored. */
function uncachedInput({ input, cachedInput, cacheWriteInput }: Usage): number {
  return Math.max(0, input - cachedInput - cacheWriteInput)
}

function largerCounts(before: Usage, after: Usage): Usage {
  const cachedInput = Math.max(before.cachedInput, after.cachedInput)
  const cacheWriteInput = Math.max(before.cacheWriteInput, after.cacheWriteInput)
  return {
    input: Math.max(uncachedInput(before), uncachedInput(after)) + cachedInput + cacheWriteInput,
    cachedInput,
    cacheWriteInput,
    output: Math.max(before.output, after.output),
    reasoning: Math.max(before.reasoning, after.reasoning),
    ...countParts({
      cacheWriteLongInput: Math.max(before.cacheWriteLongInput ?? 0, after.cacheWriteLongInput ?? 0),
      webSearches: Math.max(before.webSearches ?? 0, after.webSearches ?? 0),
    }),
  }
}

/** Writes the usage of a stream's `message_delta`. */
export function writeDeltaUsage(usage: Usage = NO_USAGE): object {
  return {
    input_tokens: uncachedInput(usage),
    cache_creation_input_tokens: usage.cacheWriteInput,
    cache_read_input_tokens: usage.cachedInput,
    output_tokens: usage.output,
    output_tokens_details: usage.reasoning > 0 ? { thinking_tokens: usage.reasoning } : null,
    server_tool_use: usage.webSearches ? { web_search_requests: usage.webSearches, web_fetch_requests: 0 } : null,
  }
}

/** Writes the usage of a message. */
export function writeUsage(usage?: Usage): object {
  return {
    ...writeDeltaUsage(usage),
    cache_creation: usage?.cacheWriteLongInput ? writeCacheCreation(usage, usage.cacheWriteLongInput) : null,
    inference_geo: null,
    service_tier: null,
    speed: null,
  }
}

/** Writes the tokens that the cache stores for five minutes and for one hour (`long`). */
function writeCacheCreation({ cacheWriteInput }: Usage, long: number): object {
  return { ephemeral_5m_input_tokens: Math.max(0, cacheWriteInput - long), ephemeral_1h_input_tokens: long }
}
