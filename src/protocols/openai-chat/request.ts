import type { z } from 'zod'
import type { RequestFacts } from '../../call.js'
import { RelayError } from '../../errors.js'
import { decoded, latin1 } from '../../lib/json.js'
import { spellPath } from '../../lib/paths.js'
import { findString } from '../../lib/splice.js'
import { parseBody } from './body.js'
import { messageSchema, requestSchema } from './schema.js'

/** Model and stream flag of a Chat Completions request. @throws {RelayError} naming the path at fault */
export function readFacts(body: Buffer): RequestFacts {
  const text = latin1(body)
  const request = parseBody(text)
  const checked = requestSchema.safeParse(request)
  if (!checked.success) throw faultOf(checked.error.issues[0], [], request)
  for (const [index, message] of checked.data.messages.entries()) {
    const { error } = messageSchema.safeParse(message)
    if (error) throw faultOf(error.issues[0], ['messages', index], request)
  }
  const modelAt = findString(text, 'model')
  if (!modelAt) {
    const message = "'model' must be given once and spelled plainly: it is ambiguous."
    throw new RelayError('invalid_request', message, { param: 'model' })
  }
  return { model: decoded(checked.data.model), modelAt, stream: checked.data.stream === true }
}

function faultOf(issue: z.core.$ZodIssue | undefined, above: readonly PropertyKey[], request: unknown): RelayError {
  const path = [...above, ...(issue?.path ?? [])]
  const param = spellPath(path) || undefined
  if (issue?.code === 'invalid_type' && valueAt(request, path) === undefined) {
    return new RelayError('missing_parameter', `Missing required parameter: '${param}'.`, { param })
  }
  const message = (issue?.message ?? 'not as expected').replace(/^Invalid input: |^Too small: /, '')
  return new RelayError('invalid_type', `Invalid value for '${param ?? 'the body'}': ${message}.`, { param })
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) => (inner as Record<PropertyKey, unknown> | null | undefined)?.[step],
    value,
  )
}
