import type { UpstreamError } from '../../chat/upstream-error.js'
import { isObject, parseJson } from '../../lib/values.js'
import type { Credential } from '../../targets.js'
import { isCommonHeader } from '../connection/headers.js'

const REDACTED = '[redacted]'

/**
 * Secrets in providers' error texts: keys, also partly masked, organizations, resource names, mail addresses and internal
 * hosts. All repetitions are bounded, since the patterns run over any text that an upstream sends.
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

/** Removes secrets from an upstream's text: the credential in use, and what looks like one. */
export function redact(text: string, credential: Credential): string {
  let clean = text
  for (const [at, value] of credential.headers.entries()) {
    if (at % 2 === 0 || isCommonHeader(credential.headers[at - 1] ?? '')) continue
    const secret = value.slice(value.lastIndexOf(' ') + 1)
    if (secret.length >= 8) clean = clean.replaceAll(secret, REDACTED)
  }
  return clean.replace(SECRETS, REDACTED)
}

/** Removes secrets from an upstream's error, and cuts very long texts. */
export function redactError(upstreamError: UpstreamError, credential: Credential): UpstreamError {
  const clean = (text: string | null): string | null => text && redact(text.slice(0, MAX_TEXT_LENGTH), credential)
  return {
    ...upstreamError,
    message: redact(upstreamError.message.slice(0, MAX_TEXT_LENGTH), credential),
    type: clean(upstreamError.type),
    code: clean(upstreamError.code),
    param: clean(upstreamError.param),
  }
}

/** The same for an error's body. It need not be JSON: proxies answer in HTML. */
export function redactBody(body: string, credential: Credential): string {
  return parseJson(body) === undefined ? redact(body, credential) : redactJson(body, credential)
}

const MAX_TEXT_LENGTH = 4096

/**
 * Removes secrets from all strings in JSON; returns the same text where there is none. It looks at values, not at the
 * JSON text: in `\\nadmin@…` the `n` belongs to an escape.
 */
export function redactJson(json: string, credential: Credential): string {
  let hasSecrets = false
  const clean: unknown = JSON.parse(json, (_name, value: unknown) => {
    if (typeof value !== 'string') return value
    const text = value.length > MAX_TEXT_LENGTH ? value.slice(0, MAX_TEXT_LENGTH) : value
    const redacted = redact(text, credential)
    if (redacted !== value) hasSecrets = true
    return redacted
  })
  return hasSecrets ? JSON.stringify(clean) : json
}

const ERROR_KEY = '"error"'
const ERROR_KEY_BYTES = Buffer.from(ERROR_KEY)
/** Found six times as fast, because a quote starts far more of the bytes than an `r`. */
const ERROR_KEY_END = Buffer.from('rror"')

/** Removes secrets from an error among a stream's records. Searches for the quoted key: within an answer's text its quotes would be escaped. */
export function redactRecords(records: Buffer, credential: Credential): Buffer {
  if (!records.includes(ERROR_KEY_END) || !records.includes(ERROR_KEY_BYTES)) return records
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
