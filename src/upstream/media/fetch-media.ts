import type { Block, MediaBlock } from '../../chat/blocks.js'
import type { ChatRequest } from '../../chat/request.js'
import { RelayError } from '../../errors.js'
import type { FetchRemote, RemoteLimits } from './fetch-remote.js'

/** Of one request. */
const MOST_FETCHES = 32

/** What is fetched, and how. */
export interface Fetching {
  readonly kinds: ReadonlySet<MediaBlock['kind']>
  readonly limits: RemoteLimits
  readonly fetch: FetchRemote
}

/** Fetches what a conversation names by its address, for models that take only bytes. @throws {RelayError} 400 with its path */
export async function fetchMedia(request: ChatRequest, { kinds, limits, fetch }: Fetching): Promise<ChatRequest> {
  const named = request.turns.flatMap(({ blocks }) => remoteIn(blocks)).filter(({ kind }) => kinds.has(kind))
  if (named.length === 0) return request
  if (named.length > MOST_FETCHES) {
    throw new RelayError('invalid_request', `At most ${MOST_FETCHES} images or files are fetched for one request.`)
  }
  const fetched = new Map<Block, Block>()
  await Promise.all(named.map(async (block) => fetched.set(block, await fetchOne(block, limits, fetch))))
  const turns = request.turns.map((turn) => ({ ...turn, blocks: replace(turn.blocks, fetched) }))
  return { ...request, turns }
}

function remoteIn(blocks: readonly Block[]): MediaBlock[] {
  return blocks.flatMap((block) => {
    if (block.type === 'tool-result') return remoteIn(block.blocks)
    return block.type === 'media' && block.source.type === 'url' ? [block] : []
  })
}

async function fetchOne(block: MediaBlock, limits: RemoteLimits, fetch: FetchRemote): Promise<MediaBlock> {
  const { source, at } = block
  if (source.type !== 'url') return block
  try {
    const { bytes, contentType } = await fetch(source.url, limits)
    return { ...block, mime: contentType || block.mime, source: { type: 'bytes', data: bytes.toString('base64') } }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be fetched'
    throw new RelayError('invalid_request', `${at}: the ${block.kind} was not fetched: ${reason}.`, {
      param: at,
      cause,
    })
  }
}

function replace(blocks: readonly Block[], fetched: ReadonlyMap<Block, Block>): Block[] {
  return blocks.map((block) => {
    if (block.type === 'tool-result') return { ...block, blocks: replace(block.blocks, fetched) }
    return fetched.get(block) ?? block
  })
}
