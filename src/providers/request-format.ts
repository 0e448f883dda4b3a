/** A request on its way to a place: as its language has it, and then as the place does. */
export interface FormattedRequest {
  /** At first the language's own path, as `/chat/completions`; then all of it, with its query. */
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** What an envelope is addressed by. */
export interface RequestDestination {
  /** The path of the base URL, without a slash at its end. */
  readonly prefix: string
  /** The model's name at the place. */
  readonly model: string
  /** The answer is to be a stream. */
  readonly stream: boolean
}

/** How a place has requests in another way than their language: the model in the path, its version in the body, and the like. */
export interface RequestFormat {
  /** @throws {RelayError} for a model whose name cannot stand in a path */
  format(letter: FormattedRequest, to: RequestDestination): FormattedRequest
  /** Left out: streams come as server-sent events. */
  readonly streamFormat?: StreamFormat
}

/** How a stream is framed that does not come as server-sent events. */
export interface StreamFormat {
  /** Answers of this content type are framed so. */
  readonly contentType: string
  /** For one stream: the server-sent events, as text, that each of its pieces completes. The first that is damaged throws. */
  createDecoder(): (piece: Buffer) => Iterable<string>
}
