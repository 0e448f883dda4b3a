/** A protocol that the demo upstream speaks. */
export interface DemoProtocol {
  /** Matches the paths of its conversations. */
  readonly path: RegExp
  readRequest(body: Readonly<Record<string, unknown>>, path: string): DemoRequest
  writeAnswer(reply: DemoReply, request: DemoRequest): unknown
  /** Returns the server-sent events of a streamed answer, in order. */
  writeStream(reply: DemoReply, request: DemoRequest): readonly string[]
  writeError(failure: DemoFailure): unknown
}

/** A conversation request, independent of its protocol. */
export interface DemoRequest {
  readonly model: string
  readonly stream: boolean
  /** The text of the last user message. */
  readonly userText: string
  /** The result of a tool, if it is the last message. */
  readonly toolResult: string | undefined
  /** The tool that the demo calls. */
  readonly tool: DemoTool | undefined
  /** The JSON schema of the answer. Undefined for plain text. */
  readonly schema: unknown
  /** Output limit. The demo counts a word as a token. */
  readonly maxWords: number
  /** A rough estimate. */
  readonly inputTokens: number
  /** Whether a stream should report its usage. */
  readonly wantsUsage: boolean
}

export interface DemoTool {
  readonly name: string
  /** The JSON schema of its input. */
  readonly schema: unknown
}

/** The demo's answer, independent of the protocol. */
export interface DemoReply {
  /**
   * The words of the text, or of the tool's input as JSON, each with the space before it. A stream sends one at a
   * time.
   */
  readonly words: readonly string[]
  /** The tool that is called. Undefined for text. */
  readonly toolName: string | undefined
  /** Whether the answer ends at the output limit. */
  readonly isTruncated: boolean
}

/** An error that the demo answers with. */
export interface DemoFailure {
  readonly status: number
  readonly message: string
  readonly type: string
  readonly code: string | null
}
