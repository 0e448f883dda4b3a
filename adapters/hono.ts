/**
 * The relay in Hono 4: `app.use('/v1/*', honoRelay(relay))`.
 * @module
 */
import type { Relay } from '../src/index.js'
import { handleFetch } from './fetch.js'

/** As much of Hono's context as the relay looks at. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly routePath?: string
    /** Also of a body that was read before by Hono's own methods. */
    arrayBuffer(): Promise<ArrayBuffer>
  }
  /** On `@hono/node-server` it holds Node's own request. */
  readonly env: unknown
}

/** Middleware, or a handler, that answers the relay's paths and leaves all else to `next()`. */
export function honoRelay(
  relay: Relay,
): (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined> {
  return async (context, next) => {
    const { raw, routePath } = context.req
    const mount = routePath?.replace(/\/?\*$/, '') || undefined
    const parsed = raw.bodyUsed ? await context.req.arrayBuffer().then(Buffer.from, () => undefined) : undefined
    const answering = handleFetch(relay, raw, { mount, ip: addressIn(context.env), host: context, parsed })
    if (!answering) await next()
    return answering
  }
}

function addressIn(env: unknown): string | undefined {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
  return incoming?.socket?.remoteAddress
}
