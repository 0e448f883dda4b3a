/**
 * The relay in Koa 2 and 3: `app.use(koaRelay(relay))`.
 * @module
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Relay } from '../src/index.js'
import { handleNode, type ParsedBody } from './node.js'

/** As much of Koa's context as the relay looks at. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly originalUrl: string
  readonly ip: string
  readonly request: ParsedBody
  /** Set by koa-mount. */
  readonly mountPath?: string
  respond?: boolean
}

/** Middleware that answers the relay's paths on Node's own response, so that Koa adds nothing to a stream; all else goes to `next()`. */
export function koaRelay(relay: Relay): (ctx: KoaContext, next: () => Promise<unknown>) => Promise<unknown> {
  return async (ctx, next) => {
    const { req, res, originalUrl: url, mountPath: mount } = ctx
    const answering = handleNode(relay, req, res, { url, mount, host: ctx, parsed: ctx.request })
    if (!answering) return next()
    ctx.respond = false
    await answering
    if (!res.closed) await once(res, 'close')
    return undefined
  }
}
