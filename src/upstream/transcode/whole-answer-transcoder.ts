import type { ClientStream } from '../stream/stream-output.js'
import type { TranslatedStream } from '../stream/translated-stream.js'
import type { Transcoder } from './transcoder.js'

/** What passages share whose answer never streams. */
export class WholeAnswerTranscoder
  implements Pick<Transcoder, 'contentType' | 'createStream' | 'createTranslatedStream'>
{
  contentType(): string {
    return ''
  }

  createStream(): ClientStream {
    throw new TypeError('this answer is no stream')
  }

  createTranslatedStream(): TranslatedStream {
    throw new TypeError('this answer is no stream')
  }
}
