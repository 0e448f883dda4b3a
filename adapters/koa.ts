/**
 * The relay in Koa 2 and 3: `app.use(koaRelay(relay))`.
 * @module modelmount/koa
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Relay } from '../src/index.js'
import { handleNode, type ParsedBody } from './node-http.js'

/** The part of Koa's context that the relay uses. */
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

/** Creates middleware that answers the relay's paths and calls `next()` for all others. It writes to Node's response, so Koa does not touch a stream. */
export function koaRelay(relay: Relay): (ctx: KoaContext, next: () => Promise<unknown>) => Promise<unknown> {
  return async (ctx, next) => {
    const { req, res, originalUrl: url, mountPath: mount } = ctx
    const responding = handleNode(relay, req, res, { url, mount, host: ctx, parsed: ctx.request })
    if (!responding) return next()
    ctx.respond = false
    await responding
    if (!res.closed) await once(res, 'close')
    return undefined
  }
}
