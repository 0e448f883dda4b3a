import { answerReply } from '../answers.js'
import type { Operation } from '../endpoints.js'
import { RelayError } from '../errors.js'
import { readFacts } from '../protocols/openai-media/facts.js'
import { openMedia } from '../upstream/media-passage.js'
import type { Perform } from './operation.js'
import { relayCall, routeCall } from './relayed.js'

/** The model that is meant where none is named, as OpenAI has it. */
const USUAL: ReadonlyMap<string, string> = new Map([
  ['images/generations', 'gpt-image-1'],
  ['images/edits', 'gpt-image-1'],
  ['images/variations', 'dall-e-2'],
  ['moderations', 'omni-moderation-latest'],
])

/** Operations whose answer is neither JSON nor text. */
const RAW: ReadonlySet<Operation> = new Set<Operation>(['speech'])

/** Images, sound, moderations, ranks: passed on to those targets that speak the language, with the model's name as they have it. */
export const media: Perform = async (parts, visit) => {
  const { endpoint, protocol, request, id, attempts } = visit
  const { path, operation } = endpoint
  const release = parts.uploads.admit(request)
  try {
    const { call, plan } = await routeCall(parts, visit, {
      open: openMedia(path, RAW.has(operation)),
      readFacts: (body) => readFacts(body, USUAL.get(path)),
    })
    const targets = plan.targets.filter(({ speaks }) => speaks.includes(protocol))
    if (targets.length === 0) {
      const message = `The model \`${call.facts.model}\` cannot be asked for this.`
      throw new RelayError('invalid_request', message, { param: 'model' })
    }
    return answerReply(await relayCall(parts, { call, plan: { ...plan, targets } }), id, attempts)
  } finally {
    release()
  }
}
