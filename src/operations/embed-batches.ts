import type { Call, Channel, Target } from '../call.js'
import type { Loss } from '../chat/losses.js'
import { count, type Usage } from '../chat/usage.js'
import { RelayError } from '../errors.js'
import { Departure } from '../lib/departure.js'
import { now } from '../lib/time.js'
import { type Means, type Send, sendOnce } from '../policies/failover.js'
import type { EmbeddingRequest } from '../protocols/embedding.js'
import { type EmbeddingBatch, embeddingLanguage, openBatch } from '../upstream/embed.js'
import type { Reply } from '../upstream/reply.js'

/** So many batches of a call are under way at once. */
const MOST_AT_ONCE = 4

/**
 * Sends one call's inputs in batches, where a target takes fewer at once. All vectors of an answer are of one target:
 * those of another model would lie elsewhere. What has come from a target is not asked for again where it is tried again.
 */
export function inBatches(request: EmbeddingRequest): Send {
  const known = new Map<Target, readonly EmbeddingBatch[]>()
  return (call, channel, means) => {
    const { target } = channel
    const most = mostAtOnce(target, call)
    if (request.inputs.length <= most) return sendOnce(call, channel, means)
    const batches = known.get(target) ?? cut(request, most)
    known.set(target, batches)
    return askAll({ call, channel, means }, request, batches)
  }
}

/** How many inputs a request to a target may hold. One in the caller's own language goes on as it is. */
export function mostAtOnce(target: Target, { protocol }: Pick<Call, 'protocol'>): number {
  const theirs = embeddingLanguage(target, protocol)
  return theirs?.embedding && theirs !== protocol ? theirs.embedding.mostInputs : Number.POSITIVE_INFINITY
}

function cut(request: EmbeddingRequest, most: number): EmbeddingBatch[] {
  const batches: EmbeddingBatch[] = []
  for (let offset = 0; offset < request.inputs.length; offset += most) {
    const inputs = request.inputs.slice(offset, offset + most)
    batches.push({ request: { ...request, inputs }, offset, answer: undefined })
  }
  return batches
}

interface Way {
  readonly call: Call
  readonly channel: Channel
  readonly means: Means
}

/** The first batch to fail fails them all. @throws {RelayError} */
async function askAll(way: Way, request: EmbeddingRequest, batches: readonly EmbeddingBatch[]): Promise<Reply> {
  const { call, channel } = way
  const { target } = channel
  if (call.departure.left) throw new RelayError('client_left', 'The client left.')
  const waiting = batches.filter(({ answer }) => !answer)
  // A queue that was made for one request at a time may have no room for more.
  const lines = Array.from({ length: target.upstream.pace ? 1 : MOST_AT_ONCE }, () => new Departure())
  const stop = (): void => {
    waiting.length = 0
    for (const departure of lines) departure.leave()
  }
  let losses: readonly Loss[] = []
  const askInLine = async (departure: Departure): Promise<void> => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const reply = await askOne(way, batch, departure)
      losses = reply.losses
    }
  }
  call.departure.waiter = { clientLeft: stop }
  try {
    await Promise.all(lines.map(askInLine))
  } finally {
    stop()
    call.departure.waiter = undefined
  }
  const answers = batches.flatMap(({ answer }) => answer ?? [])
  const vectors = answers.flatMap((answer) => answer.vectors)
  const usage = sumOf(answers.map((answer) => answer.usage))
  const text = call.protocol.embedding?.writeAnswer({ vectors, usage }, request, call.facts.model) ?? ''
  call.attempts.push({ target: target.name, status: 200 })
  const firstOutputMs = now() - call.startedAt
  call.settle({ outcome: 'complete', status: 200, target, usage, losses, firstOutputMs })
  return { status: 200, target: target.name, contentType: '', body: Buffer.from(text), losses }
}

/** A batch is a call of its own to the upstream, and to nobody else. */
function askOne({ call, channel, means }: Way, batch: EmbeddingBatch, departure: Departure): Promise<Reply> {
  const part: Call = {
    ...call,
    departure,
    attempts: [],
    ended: undefined,
    open: openBatch(batch),
    settle: () => undefined,
  }
  return sendOnce(part, channel, means)
}

/** Undefined where one of them is not told. */
function sumOf(usages: readonly (Usage | undefined)[]): Usage | undefined {
  const told = usages.filter((usage) => usage !== undefined)
  if (told.length < usages.length) return undefined
  const sum = (part: 'input' | 'cachedInput'): number => told.reduce((all, usage) => all + count(usage[part]), 0)
  return { input: sum('input'), cachedInput: sum('cachedInput'), cacheWriteInput: 0, output: 0, reasoning: 0 }
}
