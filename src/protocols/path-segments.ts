import { RelayError } from '../errors.js'

/**
 * Splits a model's name into encoded path segments. Dots and slashes must not lead the path elsewhere.
 * @throws {RelayError} for a name that a path cannot hold
 */
export function pathSegments(name: string): string[] {
  const segments = name.split('/')
  const plain = /^[A-Za-z0-9._:@/-]+$/.test(name) && segments.every((segment) => !/^\.*$/.test(segment))
  if (!plain)
    throw new RelayError('model_not_found', 'The name of the model contains characters that a path cannot hold.', {
      param: 'model',
    })
  return segments.map(encodeURIComponent)
}
