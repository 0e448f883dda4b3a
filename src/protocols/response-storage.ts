import type { RelayError } from '../errors.js'
import type { SseRecord } from '../lib/sse.js'

/** The part of a protocol whose requests may refer to earlier answers instead of sending the conversation again. */
export interface ResponseStorage {
  /** Replaces references in a request by the items they refer to. @throws {RelayError} for an unknown reference */
  expandReferences(body: Buffer, find: FindStoredResponse): Buffer
  /** Whether the client wants its answer stored. */
  isStorageRequested(body: Buffer): boolean
  /** What to store of a call; undefined for a failed answer. */
  toStorable(body: Buffer, answer: Buffer): StorableResponse | undefined
  /** The whole answer, if this record of a stream holds it. */
  finalAnswer(record: SseRecord): Buffer | undefined
  writeDeleted(id: string): Buffer
  /** The error for an id that is not stored, or belongs to another caller. */
  notFoundError(id: string): RelayError
}

/** Finds a stored response, or one item of it, by id. Undefined for an unknown id. */
export type FindStoredResponse = (id: string) => Pick<StorableResponse, 'items'> | undefined

/** An answer to store, in the protocol's own format. */
export interface StorableResponse {
  readonly id: string
  /** As the client received it. */
  readonly answer: string
  /** JSON array: the conversation including the answer. */
  readonly items: string
  /** The items of the answer, which requests may refer to individually. */
  readonly parts: readonly { readonly id: string; readonly item: string }[]
}
