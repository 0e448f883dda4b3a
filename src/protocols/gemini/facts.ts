import { RelayError } from '../../errors.js'
import { latin1 } from '../../lib/json.js'
import { isObject } from '../../lib/values.js'
import { isNonEmptyList, nonNegative, parseBody, readChoiceCount } from '../body.js'
import type { PathFacts, RequestFacts } from '../request-facts.js'
import { getField } from './field-names.js'
import { modelOf } from './paths.js'

/** Model and way of streaming, which the path says, and what it may cost. The body is looked at, not into. @throws {RelayError} */
export function readFacts(body: Buffer, { id, stream = false, query }: PathFacts): RequestFacts {
  const root = parseBody(latin1(body))
  const counted = getField(root, 'generateContentRequest')
  const asked = counted.given ? counted : root
  const contents = asked.get('contents')
  if (typeof contents.value !== 'string') {
    if (Array.isArray(contents.value)) contents.nonEmptyList()
    else contents.object()
  }
  const model = modelOf(id)
  if (model === '') throw new RelayError('missing_parameter', 'The path names no model.', { param: 'model' })
  const tools = getField(asked, 'tools').value
  const config = getField(asked, 'generationConfig')
  return {
    model,
    modelSpan: undefined,
    stream,
    usesOwnFraming: stream && !/(?:^|&)(?:%24|\$)?alt=sse(?:&|$)/i.test(query),
    maxOutputTokens: nonNegative(getField(config, 'maxOutputTokens').value),
    choices: readChoiceCount(getField(config, 'candidateCount').value),
    temperature: nonNegative(config.get('temperature').value),
    usesTools: isNonEmptyList(tools) || isObject(tools),
  }
}
