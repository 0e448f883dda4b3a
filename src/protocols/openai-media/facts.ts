import { RelayError } from '../../errors.js'
import { type ByteChunks, byteAt, joinChunks } from '../../lib/byte-chunks.js'
import { latin1 } from '../../lib/json.js'
import { isMultipart, type Multipart, MultipartFault, type Part, readMultipart } from '../../lib/multipart.js'
import { parseBody, readChoices, readModel } from '../body.js'
import type { RequestFacts } from '../request-facts.js'

/** No field that is not a file is longer. */
const LONGEST_FIELD = 1024 * 1024

/** Model and stream flag of a JSON or multipart body; `usual`: the model where none need be named. @throws {RelayError} */
export function readFacts(body: ByteChunks, usual: string | undefined): RequestFacts {
  if (isMultipart(body)) return readFormFacts(body, usual)
  if (/^\s+--/.test(byteAt(body, 0, 64).toString('latin1')))
    throw new RelayError('invalid_request', 'The multipart body must begin with its boundary, and nothing before it.')
  return readJsonFacts(joinChunks(body), usual)
}

function readJsonFacts(body: Buffer, usual: string | undefined): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const isUsual = usual !== undefined && !root.has('model')
  const { model, modelSpan, stream } = isUsual
    ? { model: usual, modelSpan: undefined, stream: root.get('stream').maybeBoolean() === true }
    : readModel(root, text)
  return factsOf({ model, modelSpan, stream, choices: readChoices(root.get('n').maybeNumber()) })
}

function readFormFacts(body: ByteChunks, usual: string | undefined): RequestFacts {
  const form = readForm(body)
  const model = fieldOf(form, 'model')
  const text = model ? byteAt(body, model.start, model.end).toString() : usual
  if (text === undefined || text === '')
    throw new RelayError('missing_parameter', "Missing required parameter: 'model'.", { param: 'model' })
  const stream = fieldText(body, form, 'stream') === 'true'
  return factsOf({
    model: text,
    modelSpan: model,
    stream,
    choices: readChoices(Number(fieldText(body, form, 'n') ?? 1)),
  })
}

type Known = Pick<RequestFacts, 'model' | 'modelSpan' | 'stream' | 'choices'>

function factsOf({ model, modelSpan, stream, choices }: Known): RequestFacts {
  return {
    model,
    modelSpan,
    stream,
    maxOutputTokens: undefined,
    choices,
    temperature: undefined,
    usesTools: false,
    usageRequestEdit: undefined,
  }
}

/** @throws {RelayError} for a body that is none */
export function readForm(body: ByteChunks): Multipart {
  try {
    return readMultipart(body)
  } catch (error) {
    if (!(error instanceof MultipartFault)) throw error
    throw new RelayError('invalid_request', `The multipart body cannot be read: ${error.message}.`)
  }
}

function fieldText(body: ByteChunks, form: Multipart, name: string): string | undefined {
  const field = fieldOf(form, name)
  return field && byteAt(body, field.start, field.end).toString()
}

/** A field that may be given once. @throws {RelayError} */
function fieldOf({ parts }: Multipart, name: string): Part | undefined {
  const [field, ...others] = parts.filter((part) => part.name === name)
  const fail = (what: string): never => {
    throw new RelayError('invalid_request', `${name}: ${what}`, { param: name })
  }
  if (others.length > 0) fail('must be given once: it is ambiguous')
  if (field?.isFile) fail('must be a text, not a file')
  if (field && field.end - field.start > LONGEST_FIELD) fail('is too long')
  return field
}
