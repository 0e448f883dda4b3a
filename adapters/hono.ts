/**
 * The relay in Hono 4: `app.use('/v1/*', honoRelay(relay))`.
 * @module modelmount/hono
 */
import type { Relay } from '../src/index.js'
import { handleFetch } from './fetch.js'

/** The part of Hono's context that the relay uses. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly routePath?: string
    /** Works also after Hono's own methods have read the body. */
    arrayBuffer(): Promise<ArrayBuffer>
  }
  /** On `@hono/node-server` it holds Node's request. */
  readonly env: unknown
}

/** Creates middleware that answers the relay's paths and calls `next()` for all others. Works as a handler too. */
export function honoRelay(
  relay: Relay,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const { raw, routePath } = context.req
    const mount = routePath?.replace(/\/?\*$/, '') || undefined
    const parsed = raw.bodyUsed ? await context.req.arrayBuffer().then(Buffer.from, () => undefined) : undefined
    const responding = handleFetch(relay, raw, { mount, ip: addressIn(context.env), host: context, parsed })
    if (!responding) await next()
    return responding
  }
}

function addressIn(env: unknown): string | undefined {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress
}
