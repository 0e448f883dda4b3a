import type { Finish } from './answer.js'
import type { Block, Citation } from './blocks.js'
import type { Signature } from './signatures.js'
import type { UpstreamError } from './upstream-error.js'
import type { Usage } from './usage.js'

/**
 * An event of a streamed answer. Blocks are numbered from 0 over the whole stream, in the order in which they open, and
 * several may be open at once. A `block` event has what is known at the start, with an empty `text` or `input` that
 * deltas fill; media and foreign blocks are complete. Every block stops before its choice finishes.
 */
export type ChatEvent =
  | { readonly type: 'start'; readonly id?: string | undefined; readonly model?: string | undefined }
  | { readonly type: 'block'; readonly index: number; readonly choice: number; readonly block: Block }
  | { readonly type: 'delta'; readonly index: number; readonly text: string }
  /** Adds a signature or citation to an open block. */
  | {
      readonly type: 'mark'
      readonly index: number
      readonly signature?: Signature | undefined
      readonly citation?: Citation | undefined
    }
  | { readonly type: 'stop'; readonly index: number }
  | { readonly type: 'finish'; readonly choice: number; readonly finish: Finish }
  /** Usage so far; the last event counts. */
  | { readonly type: 'usage'; readonly usage: Usage }
  /** The stream failed. No event follows. */
  | { readonly type: 'error'; readonly upstreamError: UpstreamError }

export type Emit = (event: ChatEvent) => void
