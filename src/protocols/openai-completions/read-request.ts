import type { Native } from '../../chat/blocks.js'
import type { ChatRequest } from '../../chat/request.js'
import { parseBody } from '../body.js'
import { Field } from '../field.js'
import { readNative } from '../openai-chat/native.js'
import { readSampling } from '../openai-chat/request/sampling.js'

/** Marks native fields and losses of this protocol. */
export const PROTOCOL_ID = 'openai-completions'

const KNOWN_FIELDS = new Set([
  ...['model', 'prompt', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'temperature', 'top_p'],
  ...['top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'n', 'user', 'logprobs', 'top_logprobs'],
  ...['echo', 'suffix', 'best_of'],
])

/** Fields that conversations do not have, with the value, as JSON, that means the same as leaving the field out. */
const REFUSED_FIELDS: readonly (readonly [name: string, defaultJson: string])[] = [
  ['echo', 'false'],
  ['suffix', '""'],
  ['best_of', '1'],
  ['logprobs', 'false'],
]

/** Reads a completions request as a conversation of one turn. @throws {RelayError} that names the path of an invalid value */
export function readRequest(body: Buffer): ChatRequest {
  const root = parseBody(body.toString())
  const fields = root.object()
  const text = readPrompt(root.get('prompt'))
  for (const [name, defaultJson] of REFUSED_FIELDS) {
    const field = root.get(name)
    if (field.given && JSON.stringify(field.value) !== defaultJson) field.fail('is not supported by chat models')
  }
  return {
    stream: root.get('stream').maybeBoolean() ?? false,
    turns: [{ role: 'user', blocks: [{ type: 'text', text, at: 'prompt' }], at: 'prompt' }],
    tools: [],
    ...readSampling(new Field({ ...fields, logprobs: null })),
    userId: root.get('user').maybeText(),
    wantsUsage: root.get('stream_options').get('include_usage').maybeBoolean(),
    native: asOwnNative(readNative(root, KNOWN_FIELDS)),
  }
}

function asOwnNative(native: Native | undefined): Native | undefined {
  return native && { protocol: PROTOCOL_ID, fields: native.fields }
}

/** Reads the one prompt: several prompts arrive as one request each. Refuses tokens, which only one model understands. */
function readPrompt(field: Field): string {
  if (!Array.isArray(field.value)) return field.text()
  const prompts = field.list()
  const [prompt] = prompts
  if (!prompt) return field.fail('at least one prompt is needed')
  if (typeof prompt.value === 'number' || Array.isArray(prompt.value)) field.fail('must be text, not tokens')
  if (prompts.length > 1) field.fail('must be text only')
  return prompt.text()
}
