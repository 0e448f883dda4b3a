import type { Edit, Span } from '../lib/splice.js'

/** What a protocol reads of a request before routing. */
export interface RequestFacts {
  readonly model: string
  /** Position of the `model` value in the body; undefined where the path names the model. */
  readonly modelSpan: Span | undefined
  readonly stream: boolean
  /** The client wants the stream in the protocol's other framing, not as server-sent events. */
  readonly usesOwnFraming?: boolean | undefined
  /** The client's cap on each answer, in tokens. Undefined without a cap, or with one that makes no sense. */
  readonly maxOutputTokens: number | undefined
  /** Estimated input tokens outside the body: the earlier turns of a session. */
  readonly contextTokens?: number | undefined
  /** Number of answers that the model writes and the caller pays for; at least 1. */
  readonly choices: number
  readonly temperature: number | undefined
  /** The request offers tools, the client's or the provider's own. */
  readonly usesTools: boolean
  /** The edit of the body that makes a stream report its usage. Undefined where the stream reports it anyway. */
  readonly usageRequestEdit?: Edit | undefined
}

/** What the path of a request says, in protocols whose body does not say it. */
export interface PathFacts {
  /** The value of `{id}`; empty for a path without one. */
  readonly id: string
  /** Whether the endpoint streams; undefined where the body says it. */
  readonly stream: boolean | undefined
  /** Without `?`. */
  readonly query: string
}
