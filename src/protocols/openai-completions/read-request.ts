import type { Native } from '../../chat/blocks.js'
import type { ChatRequest } from '../../chat/request.js'
import { parseBody } from '../body.js'
import { Field } from '../field.js'
import { readNative } from '../openai-chat/native.js'
import { readSampling } from '../openai-chat/sampling.js'
import { LANGUAGE } from './language.js'

const KNOWN = new Set([
  ...['model', 'prompt', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p'],
  ...['top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'n', 'user', 'logprobs', 'top_logprobs'],
  ...['echo', 'suffix', 'best_of'],
])

/** What has no twin in a conversation; its harmless value, as JSON, says no more than its absence. */
const REFUSED: readonly (readonly [name: string, harmless: string])[] = [
  ['echo', 'false'],
  ['suffix', '""'],
  ['best_of', '1'],
  ['logprobs', 'false'],
]

/** A completions request as a conversation of one turn. @throws {RelayError} that names the path of what is wrong */
export function readRequest(body: Buffer): ChatRequest {
  const root = parseBody(body.toString())
  const fields = root.object()
  const text = readPrompt(root.get('prompt'))
  for (const [name, harmless] of REFUSED) {
    const field = root.get(name)
    if (field.given && JSON.stringify(field.value) !== harmless) field.fail('is not known to chat models')
  }
  return {
    stream: root.get('stream').maybeBoolean() ?? false,
    turns: [{ role: 'user', blocks: [{ type: 'text', text, at: 'prompt' }], at: 'prompt' }],
    tools: [],
    ...readSampling(new Field({ ...fields, logprobs: null })),
    userId: root.get('user').maybeText(),
    wantsUsage: root.get('stream_options').get('include_usage').maybeBoolean(),
    native: own(readNative(root, KNOWN)),
  }
}

function own(native: Native | undefined): Native | undefined {
  return native && { protocol: LANGUAGE, fields: native.fields }
}

/** The one prompt: of several each has come as a request of its own. A list of tokens means something to its own model only. */
function readPrompt(prompt: Field): string {
  if (!Array.isArray(prompt.value)) return prompt.text()
  const prompts = prompt.list()
  const [only] = prompts
  if (!only) return prompt.fail('at least one prompt is needed')
  if (typeof only.value === 'number' || Array.isArray(only.value)) prompt.fail('tokens are not taken, only text')
  if (prompts.length > 1) prompt.fail('expected text only')
  return only.text()
}
