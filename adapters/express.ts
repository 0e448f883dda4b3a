/**
 * The relay in Express 4 and 5: `app.use('/v1', expressRelay(relay))`, at any mount point.
 * @module modelmount/express
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Relay } from '../src/index.js'
import { handleNode, type ParsedBody } from './node-http.js'

/** The part of Express's request that the relay uses. Structural, so that no version of Express's types is required. */
export interface ExpressRequest extends IncomingMessage, ParsedBody {
  readonly ip?: unknown
  readonly originalUrl?: string
  readonly baseUrl?: string
}

/** Creates middleware that answers the relay's paths and calls `next()` for all others. Works behind `express.json()` too. */
export function expressRelay(relay: Relay): (req: ExpressRequest, res: ServerResponse, next: () => void) => void {
  return (req, res, next) => {
    const options = { url: req.originalUrl, mount: req.baseUrl || undefined, host: req, parsed: req }
    if (!handleNode(relay, req, res, options)) next()
  }
}
