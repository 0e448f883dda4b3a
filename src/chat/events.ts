import type { Finish } from './answer.js'
import type { Block, Citation } from './blocks.js'
import type { Signature } from './signatures.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/**
 * A streamed answer. Blocks are numbered from 0 over the whole stream, whatever their choice, in the order in which they
 * open; several may be open at once. A `block` carries what is known at its beginning, with its growing string (`text`,
 * of a call `input`) empty; of a block that comes whole (media, foreign) all. Every block is stopped before its choice
 * finishes.
 */
export type ChatEvent =
  | { readonly type: 'start'; readonly id?: string | undefined; readonly model?: string | undefined }
  | { readonly type: 'block'; readonly index: number; readonly choice: number; readonly block: Block }
  | { readonly type: 'delta'; readonly index: number; readonly text: string }
  /** What became known of an open block. */
  | {
      readonly type: 'mark'
      readonly index: number
      readonly signature?: Signature | undefined
      readonly citation?: Citation | undefined
    }
  | { readonly type: 'stop'; readonly index: number }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  /** All that was used so far: the last one counts. */
  | { readonly type: 'usage'; readonly usage: Usage }
  /** The stream failed; nothing follows. */
  | { readonly type: 'error'; readonly upstreamError: UpstreamError }

export type Emit = (event: ChatEvent) => void
