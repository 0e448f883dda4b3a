/** The parts of a request: first as the protocol writes them, then as the provider expects them. */
export interface FormattedRequest {
  /** First the protocol's own path, such as `/chat/completions`; then the whole path, with its query. */
  readonly path: string
  /** Name, value, name, value. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

/** Where a request goes. */
export interface RequestDestination {
  /** Path of the base URL, without a trailing slash. */
  readonly prefix: string
  /** The model's name at the provider. */
  readonly model: string
  readonly stream: boolean
}

/** How a provider's requests differ from the protocol: the model in the path, the API's version in the body, and the like. */
export interface RequestFormat {
  /** @throws {RelayError} for a model name that a path cannot hold */
  format(request: FormattedRequest, to: RequestDestination): FormattedRequest
  /** Left out: streams are server-sent events. */
  readonly streamFormat?: StreamFormat
}

/** The framing of streams that are not server-sent events. */
export interface StreamFormat {
  /** Content type of answers with this framing. */
  readonly contentType: string
  /** Creates the decoder of one stream. It returns the events that each chunk completes, as server-sent events. @throws {Error} for a damaged event */
  createDecoder(): (chunk: Buffer) => Iterable<string>
}
