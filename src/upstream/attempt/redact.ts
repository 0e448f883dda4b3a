import type { UpstreamError } from '../../chat/upstream-error.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Credential } from '../../targets.js'

const HIDDEN = '[redacted]'

/**
 * What providers' error texts give away: keys, also half starred out, organisations, names of resources, mail and inside addresses. Every
 * repetition is bounded, and the mail pattern begins once a word: these run over whatever an upstream cares to send.
 */
const SECRETS = new RegExp(
  [
    /\b(?:sk|rk|pk|gsk|xai|key|AIza|ya29)[-_.]?[\w*.-]{0,128}[\d*][\w*.-]{5,256}/,
    /\b(?:org|proj|acct)[-_][A-Za-z0-9]{6,64}/,
    /\barn:aws[\w-]{0,16}:[\w.:/+=@*-]{1,512}/,
    /\bBearer\s{1,8}[^\s"'\\]{1,1024}/,
    /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,190}/,
    /\bhttps?:\/\/[^\s"'\\]{0,1024}[?&](?:key|api_key|token)=[^\s"'\\]{0,1024}/,
    /\b(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){1,3}(?::\d{1,5})?\b/,
    /\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.(?:internal|local|localdomain|cluster)\b(?::\d{1,5})?/,
    /\blocalhost(?::\d{1,5})?\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
)

/** Headers of every request, whose values are no secret. */
const PUBLIC: ReadonlySet<string> = new Set(['content-type', 'accept-encoding', 'user-agent'])

/** An upstream's text without what is only the operator's to know; the credential in use above all. */
export function redact(text: string, credential: Credential): string {
  let clean = text
  for (const [at, value] of credential.headers.entries()) {
    if (at % 2 === 0 || PUBLIC.has(credential.headers[at - 1] ?? '')) continue
    const secret = value.slice(value.lastIndexOf(' ') + 1)
    if (secret.length >= 8) clean = clean.replaceAll(secret, HIDDEN)
  }
  return clean.replace(SECRETS, HIDDEN)
}

/** A fault's words, fit to be told; of a message without end its beginning. */
export function redactFault(upstreamError: UpstreamError, credential: Credential): UpstreamError {
  const clean = (text: string | null): string | null => text && redact(text.slice(0, LONGEST_WORDS), credential)
  return {
    ...upstreamError,
    message: redact(upstreamError.message.slice(0, LONGEST_WORDS), credential),
    type: clean(upstreamError.type),
    code: clean(upstreamError.code),
    param: clean(upstreamError.param),
  }
}

/** The same for an error's body, which need not be JSON: a proxy in between writes HTML. */
export function redactBody(body: string, credential: Credential): string {
  return parseJson(body) === undefined ? redact(body, credential) : redactJson(body, credential)
}

const LONGEST_WORDS = 4096

/**
 * JSON with every text in it redacted: the text itself where nothing had to be hidden. Values are looked at, not their
 * spelling: in `\\nadmin@…` the `n` is part of an escape.
 */
export function redactJson(json: string, credential: Credential): string {
  let hidden = false
  const clean: unknown = JSON.parse(json, (_name, value: unknown) => {
    if (typeof value !== 'string') return value
    const text = value.length > LONGEST_WORDS ? value.slice(0, LONGEST_WORDS) : value
    const redacted = redact(text, credential)
    if (redacted !== value) hidden = true
    return redacted
  })
  return hidden ? JSON.stringify(clean) : json
}

const ERROR_KEY = '"error"'
/** An error is the last thing a stream says: it is looked for where the bytes end, since most are many and hold none. */
const END_BYTES = 4096

/** Records of a stream, an error among them redacted. A key is looked for: in an answer's own text its quotes are escaped. */
export function redactRecords(records: Buffer, credential: Credential): Buffer {
  const end = records.length > END_BYTES ? records.subarray(-END_BYTES) : records
  if (!end.includes(ERROR_KEY)) return records
  const lines = records.toString().split('\n')
  const clean = lines.map((line) =>
    line.startsWith('data:') && line.includes(ERROR_KEY) ? redactLine(line, credential) : line,
  )
  return clean.every((line, index) => line === lines[index]) ? records : Buffer.from(clean.join('\n'))
}

function redactLine(line: string, credential: Credential): string {
  const value = parseJson(line.slice('data:'.length))
  if (!isObject(value) || !value.error) return line
  const error = JSON.stringify(value.error)
  const clean = redactJson(error, credential)
  return clean === error ? line : `data: ${JSON.stringify({ ...value, error: JSON.parse(clean) })}`
}
