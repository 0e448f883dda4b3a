import { type ByteChunks, joinChunks } from '../../lib/byte-chunks.js'
import type { FormattedRequest } from '../../providers/request-format.js'
import type { Channel } from '../../targets.js'
import type { Transcoder } from '../transcode/transcoder.js'
import { requestPath } from './base-url.js'

/** A request as it is sent. */
export interface Enclosed extends Omit<FormattedRequest, 'body'> {
  readonly body: ByteChunks
}

/** What is sent to a channel: the passage's request, in the envelope that the target wants. @throws {RelayError} */
export function enclose({ target, baseUrl }: Channel, passage: Transcoder, stream: boolean): Enclosed {
  const { protocol, path, headers, body } = passage
  const { requestFormat, model } = target
  if (!requestFormat) return { path: requestPath(baseUrl, protocol, path), headers, body }
  return requestFormat.format({ path, headers, body: joinChunks(body) }, { prefix: baseUrl.pathPrefix, model, stream })
}
