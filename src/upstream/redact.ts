import type { Credential } from '../call.js'
import type { Fault } from '../protocols/protocol.js'

const HIDDEN = '[redacted]'

/** What providers' error texts give away: keys, also half starred out, organisations, mail and inside addresses. */
const SECRETS = new RegExp(
  [
    /\b(?:sk|rk|pk|gsk|xai|key|AIza|ya29)[-_.]?[\w*.-]*[\d*][\w*.-]{5,}/,
    /\b(?:org|proj|acct)[-_][A-Za-z0-9]{6,}/,
    /\bBearer\s+[^\s"'\\]+/,
    /[\w.+-]+@[\w-]+\.[\w.-]+/,
    /\bhttps?:\/\/[^\s"'\\]*[?&](?:key|api_key|token)=[^\s"'\\]*/,
    /\b(?:10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){1,3}(?::\d+)?\b/,
    /\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|localdomain|cluster)\b(?::\d+)?/,
    /\blocalhost(?::\d+)?\b/,
  ]
    .map(({ source }) => source)
    .join('|'),
  'gi',
)

/** An upstream's text without what is only the operator's to know; the credential in use above all. */
export function redact(text: string, credential: Credential): string {
  let clean = text
  for (const value of credential.headers) {
    const secret = value.slice(value.lastIndexOf(' ') + 1)
    if (secret.length >= 8 && value !== secret) clean = clean.replaceAll(secret, HIDDEN)
  }
  return clean.replace(SECRETS, HIDDEN)
}

/** The same for an error that was told under a status of success. */
export function redactFault(fault: Fault, credential: Credential): Fault {
  const clean = (text: string | null): string | null => text && redact(text, credential)
  return {
    ...fault,
    message: redact(fault.message, credential),
    type: clean(fault.type),
    code: clean(fault.code),
    param: clean(fault.param),
  }
}
