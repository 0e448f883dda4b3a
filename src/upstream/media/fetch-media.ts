import type { Block, MediaBlock } from '../../chat/blocks.js'
import type { ChatRequest } from '../../chat/request.js'
import { RelayError } from '../../errors.js'
import type { FetchRemote, RemoteLimits } from './fetch-remote.js'

/** Per request. */
const MAX_FETCHES = 32

export interface FetchMediaOptions {
  /** Kinds of media to fetch. */
  readonly kinds: ReadonlySet<MediaBlock['kind']>
  readonly limits: RemoteLimits
  readonly fetch: FetchRemote
}

/** Replaces URLs in a conversation by the bytes behind them, for models that accept only bytes. @throws {RelayError} 400 that names the path */
export async function fetchMedia(
  request: ChatRequest,
  { kinds, limits, fetch }: FetchMediaOptions,
): Promise<ChatRequest> {
  const remote = request.turns.flatMap(({ blocks }) => remoteMediaIn(blocks)).filter(({ kind }) => kinds.has(kind))
  if (remote.length === 0) return request
  if (remote.length > MAX_FETCHES) {
    throw new RelayError('invalid_request', `At most ${MAX_FETCHES} images or files are fetched for one request.`)
  }
  const fetched = new Map<Block, Block>()
  await Promise.all(remote.map(async (block) => fetched.set(block, await fetchOne(block, limits, fetch))))
  const turns = request.turns.map((turn) => ({ ...turn, blocks: replaceBlocks(turn.blocks, fetched) }))
  return { ...request, turns }
}

function remoteMediaIn(blocks: readonly Block[]): MediaBlock[] {
  return blocks.flatMap((block) => {
    if (block.type === 'tool-result') return remoteMediaIn(block.blocks)
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
    throw new RelayError('invalid_request', `${at}: the ${block.kind} could not be fetched: ${reason}.`, {
      param: at,
      cause,
    })
  }
}

function replaceBlocks(blocks: readonly Block[], fetched: ReadonlyMap<Block, Block>): Block[] {
  return blocks.map((block) => {
    if (block.type === 'tool-result') return { ...block, blocks: replaceBlocks(block.blocks, fetched) }
    return fetched.get(block) ?? block
  })
}
