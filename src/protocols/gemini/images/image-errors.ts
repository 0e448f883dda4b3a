import type { UpstreamError } from '../../../chat/upstream-error.js'
import { RelayError } from '../../../errors.js'
import { NO_IMAGE_CODE } from '../../image-generation.js'

/** The error for a filtered prompt or image, with the code that clients of image models expect. */
export function imageFilterError(explanation: string | undefined): UpstreamError {
  const message = `The provider did not let the image be drawn${explanation ? `: ${explanation}` : '.'}`
  return { status: 400, message, type: null, code: 'moderation_blocked', param: null }
}

/** The error for an answer without an image. `words`: the text that the model sent instead. */
export function noImageError(words: string): UpstreamError {
  const message = words === '' ? 'The model drew nothing.' : `The model drew nothing, and said: ${words.slice(0, 500)}`
  return { status: 400, message, type: null, code: NO_IMAGE_CODE, param: null }
}

/** The error for a parameter that the model does not support. */
export function unsupportedParameter(param: string, what: string): RelayError {
  return new RelayError('invalid_request', `${param}: ${what}`, { param })
}
