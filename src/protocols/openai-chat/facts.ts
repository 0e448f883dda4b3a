import { latin1 } from '../../lib/json.js'
import { isObject } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readChoices, readModel } from '../body.js'
import { Field } from '../field.js'
import type { RequestFacts } from '../request-facts.js'
import { findAsking } from './metering.js'

const NUMBERS = ['n', 'temperature', 'top_p', 'max_tokens', 'max_completion_tokens']

/**
 * Model and stream flag, and as much more as a relay must be sure of before it passes the bytes on; the upstream judges
 * the rest. @throws {RelayError} naming the path at fault
 */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const { model, modelSpan, stream } = readModel(root, text)
  const messages = root.get('messages')
  for (const [index, message] of messages.some().entries()) checkMessage(new Field(message, messages, index))
  root.get('stream_options').maybeObject()
  root.get('stream_options').get('include_usage').maybeBoolean()
  root.get('tools').checkList()
  root.get('stop').checkTextOrList()
  for (const name of NUMBERS) root.get(name).maybeNumber()
  root.get('response_format').maybeObject()
  const { max_completion_tokens: cap, max_tokens: oldCap, n, temperature } = root.object()
  return {
    // Spelled out: to spread costs more than all the rest.
    model,
    modelSpan,
    stream,
    maxOutputTokens: nonNegative(cap ?? oldCap),
    choices: readChoices(n),
    temperature: nonNegative(temperature),
    usesTools: usesTools(root.object()),
    usageRequestEdit: stream ? findAsking(root, text) : undefined,
  }
}

function usesTools({ tools, functions, web_search_options: search }: Readonly<Record<string, unknown>>): boolean {
  return isNonEmptyList(tools) || isNonEmptyList(functions) || isObject(search)
}

function checkMessage(message: Field): void {
  message.object()
  message.get('role').text()
  message.get('content').checkTextOrList()
  message.get('tool_calls').checkList()
  message.get('tool_call_id').maybeText()
}
