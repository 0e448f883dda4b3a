import type { Outflow } from './outlet.js'
import type { Passage } from './passage.js'
import type { TranslatedFlow } from './translated-flow.js'

/** What passages share whose answer never streams. */
export class WholePassage implements Pick<Passage, 'contentType' | 'open' | 'openTranslated'> {
  contentType(): string {
    return ''
  }

  open(): Outflow {
    throw new TypeError('this answer is no stream')
  }

  openTranslated(): TranslatedFlow {
    throw new TypeError('this answer is no stream')
  }
}
