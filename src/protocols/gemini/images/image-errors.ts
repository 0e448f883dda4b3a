import type { UpstreamError } from '../../../chat/upstream-error.js'
import { RelayError } from '../../../errors.js'
import { NO_IMAGE_CODE } from '../../image-generation.js'

/** A request, or all that was drawn for it, was kept back: by the code that callers of image models look for. */
export function imageFilterError(explanation: string | undefined): UpstreamError {
  const message = `The provider did not let the image be drawn${explanation ? `: ${explanation}` : '.'}`
  return { status: 400, message, type: null, code: 'moderation_blocked', param: null }
}

/** The model has drawn nothing, and at best said something. To ask again may help; another provider need not. */
export function noImageError(words: string): UpstreamError {
  const message = words === '' ? 'The model drew nothing.' : `The model drew nothing, and said: ${words.slice(0, 500)}`
  return { status: 400, message, type: null, code: NO_IMAGE_CODE, param: null }
}

/** Something that a request is about, and that its model cannot be asked for. */
export function unsupportedParameter(param: string, what: string): RelayError {
  return new RelayError('invalid_request', `${param}: ${what}`, { param })
}
