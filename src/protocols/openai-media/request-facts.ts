import { RelayError } from '../../errors.js'
import { type ByteChunks, joinChunks, readRange } from '../../lib/byte-chunks.js'
import { latin1 } from '../../lib/json.js'
import { isMultipart, type Multipart, MultipartError, type Part, readMultipart } from '../../lib/multipart.js'
import { parseBody, readChoiceCount, readModel } from '../body.js'
import type { RequestFacts } from '../request-facts.js'

/** Limit for a field of a form that is not a file. */
const MAX_FIELD_BYTES = 1024 * 1024

/**
 * Reads model, stream flag and number of answers of a JSON or multipart body. `defaultModel`: the model of a request that
 * names none; undefined where every request must name one. @throws {RelayError}
 */
export function readFacts(body: ByteChunks, defaultModel: string | undefined): RequestFacts {
  if (isMultipart(body)) return readFormFacts(body, defaultModel)
  if (/^\s+--/.test(readRange(body, 0, 64).toString('latin1')))
    throw new RelayError('invalid_request', 'The multipart body must begin with its boundary.')
  return readJsonFacts(joinChunks(body), defaultModel)
}

function readJsonFacts(body: Buffer, defaultModel: string | undefined): RequestFacts {
  const text = latin1(body)
  const root = parseBody(text)
  const usesDefault = defaultModel !== undefined && !root.has('model')
  const { model, modelSpan, stream } = usesDefault
    ? { model: defaultModel, modelSpan: undefined, stream: root.get('stream').maybeBoolean() === true }
    : readModel(root, text)
  return mediaFacts({ model, modelSpan, stream, choices: readChoiceCount(root.get('n').maybeNumber()) })
}

function readFormFacts(body: ByteChunks, defaultModel: string | undefined): RequestFacts {
  const form = readForm(body)
  const field = findField(form, 'model')
  const model = field ? readRange(body, field.start, field.end).toString() : defaultModel
  if (model === undefined || model === '')
    throw new RelayError('missing_parameter', "Missing required parameter: 'model'.", { param: 'model' })
  const stream = fieldText(body, form, 'stream') === 'true'
  const choices = readChoiceCount(Number(fieldText(body, form, 'n') ?? 1))
  return mediaFacts({ model, modelSpan: field, stream, choices })
}

type BodyFacts = Pick<RequestFacts, 'model' | 'modelSpan' | 'stream' | 'choices'>

function mediaFacts({ model, modelSpan, stream, choices }: BodyFacts): RequestFacts {
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

/** Parses a multipart form. @throws {RelayError} for an invalid form */
export function readForm(body: ByteChunks): Multipart {
  try {
    return readMultipart(body)
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error
    throw new RelayError('invalid_request', `The multipart body cannot be read: ${error.message}.`)
  }
}

function fieldText(body: ByteChunks, form: Multipart, name: string): string | undefined {
  const field = findField(form, name)
  return field && readRange(body, field.start, field.end).toString()
}

/** @throws {RelayError} for a field that occurs twice, is a file, or is too long */
function findField({ parts }: Multipart, name: string): Part | undefined {
  const [field, ...others] = parts.filter((part) => part.name === name)
  const fail = (problem: string): never => {
    throw new RelayError('invalid_request', `${name}: ${problem}`, { param: name })
  }
  if (others.length > 0) fail('is ambiguous: it must appear once')
  if (field?.isFile) fail('must be text, not a file')
  if (field && field.end - field.start > MAX_FIELD_BYTES) fail(`is longer than ${MAX_FIELD_BYTES} bytes`)
  return field
}
