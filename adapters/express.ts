/**
 * The relay in Express 4 and 5: `app.use('/v1', expressRelay(relay))`, at any mount point.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Relay } from '../src/index.js'
import { handleNode, type ParsedBody } from './node.js'

/** As much of Express's request as the relay looks at; so that no version of its types is asked for. */
export interface ExpressRequest extends IncomingMessage, ParsedBody {
  readonly ip?: unknown
  readonly originalUrl?: string
  readonly baseUrl?: string
}

/** Middleware that answers the relay's paths and leaves all else to `next()`. Works behind `express.json()` too. */
export function expressRelay(relay: Relay): (req: ExpressRequest, res: ServerResponse, next: () => void) => void {
  return (req, res, next) => {
    const around = { url: req.originalUrl, mount: req.baseUrl || undefined, host: req, parsed: req }
    if (!handleNode(relay, req, res, around)) next()
  }
}
