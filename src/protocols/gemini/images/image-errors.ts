import type { UpstreamError } from '../../../chat/upstream-error.js'
import { RelayError } from '../../../errors.js'
import { NO_IMAGE_CODE } from '../../image-generation.js'

/** The error for a filtered prompt or image, with the code that clients of image models expect. */
export function imageFilterError(explanation: string | undefined): UpstreamError {
  const message = `The provider returned no image, probably because of a filter. Change the prompt.${explanation ? ` Reason: ${explanation}` : ''}`
  return { status: 400, message, type: null, code: 'moderation_blocked', param: null }
}

/** The error for an answer without an image. `text`: what the model sent instead; 500 characters of it are kept. */
export function noImageError(text: string): UpstreamError {
  const advice = 'The model returned no image. Change the prompt, or use another model.'
  const message = text === '' ? advice : `${advice} It answered: ${text.slice(0, 500)}`
  return { status: 400, message, type: null, code: NO_IMAGE_CODE, param: null }
}

/** The error for a parameter that the model does not support. */
export function unsupportedParameter(param: string, problem: string): RelayError {
  return new RelayError('invalid_request', `${param}: ${problem}`, { param })
}
