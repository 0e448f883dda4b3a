import { RelayError } from '../errors.js'

/**
 * A name as the segments of a path, encoded one by one. Dots and slashes must not lead it elsewhere.
 * @throws {RelayError} for what is no name
 */
export function segmentsOf(name: string): string[] {
  const segments = name.split('/')
  const plain = /^[A-Za-z0-9._:@/-]+$/.test(name) && segments.every((segment) => !/^\.*$/.test(segment))
  if (!plain)
    throw new RelayError('model_not_found', 'The model has a name that cannot stand in a path.', { param: 'model' })
  return segments.map(encodeURIComponent)
}
