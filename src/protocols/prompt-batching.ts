import type { SseRecord } from '../lib/sse.js'

/** The part of a protocol whose requests may hold several prompts. */
export interface PromptBatching {
  /** One request body per prompt; empty where there is only one prompt. */
  split(body: Buffer): readonly Buffer[]
  /** Joins whole answers, in the order of their prompts. */
  merge(answers: readonly Buffer[]): Buffer
  createWriter(): BatchWriter
}

/** Joins the records of several streams into one stream. */
export interface BatchWriter {
  /** Undefined for an error, which ends the stream and passes unchanged. `prompt`: index of the prompt. */
  write(record: SseRecord, prompt: number): string | undefined
  end(): string
}
