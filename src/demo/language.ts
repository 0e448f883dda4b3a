/** A language that the demo speaks: what its clients send, and what they get. */
export interface DemoLanguage {
  /** Fits the paths of its conversations. */
  readonly path: RegExp
  readQuestion(body: Readonly<Record<string, unknown>>, path: string): Question
  writeAnswer(reply: Reply, question: Question): unknown
  /** The records of a streamed answer, in order. */
  writeStream(reply: Reply, question: Question): readonly string[]
  writeFailure(failure: Failure): unknown
}

/** What a caller asked of the demo, in no language's words. */
export interface Question {
  readonly model: string
  readonly stream: boolean
  /** The last words of the user. */
  readonly said: string
  /** What a tool gave, if that is the last that was said. */
  readonly toolResult: string | undefined
  /** The tool to call, if one should be. */
  readonly tool: Tool | undefined
  /** The JSON schema that the answer must follow; undefined for plain text. */
  readonly schema: unknown
  /** The most words to answer with. */
  readonly most: number
  /** Roughly what the model would have read. */
  readonly inputTokens: number
  readonly wantsUsage: boolean
}

/** A tool as the caller described it. */
export interface Tool {
  readonly name: string
  /** The JSON schema of its input. */
  readonly schema: unknown
}

/** The demo's answer, in no language's words. */
export interface Reply {
  /** The answer's text, or the tool's input as JSON, in the pieces in which it is streamed. */
  readonly pieces: readonly string[]
  /** The name of the tool that is called; undefined for text. */
  readonly tool: string | undefined
  /** It ended at the most words that were allowed. */
  readonly isCut: boolean
}

/** A failure that was asked for by the model's name. */
export interface Failure {
  readonly status: number
  readonly message: string
  readonly type: string
  readonly code: string | null
}
