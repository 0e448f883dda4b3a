/**
 * The relay in Fastify 5: `fastify.register(fastifyRelay(relay), { prefix: '/v1' })`, at any prefix.
 * @module
 */
import type { Readable } from 'node:stream'
import { type Relay, tooLarge } from '../src/index.js'
import { handleNode, type NodeRequest, type NodeResponse, type ParsedBody } from './node.js'

/** As much of Fastify's request as the relay looks at. */
export interface FastifyRequest extends ParsedBody {
  readonly raw: NodeRequest
  readonly ip: string
  readonly routeOptions: { readonly bodyLimit: number }
}

/** As much of its reply. */
export interface FastifyReply {
  readonly raw: NodeResponse
  getHeaders(): Record<string, number | string | string[] | undefined>
  hijack(): unknown
  callNotFound(): unknown
}

/** As much of Fastify itself. */
export interface FastifyInstance {
  readonly prefix: string
  readonly supportedMethods: string[]
  hasRoute(route: { method: string; url: string }): boolean
  removeAllContentTypeParsers(): void
  addContentTypeParser(type: '*', parse: (request: FastifyRequest, payload: Readable) => Promise<unknown>): unknown
  route(route: { method: string[]; url: string; handler: FastifyHandler }): unknown
}

/** A route's handler; its answer is the reply's. */
export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => void

/** A plugin that answers the relay's paths on Node's own response, after all hooks; all else is Fastify's 404. */
export function fastifyRelay(relay: Relay): (fastify: FastifyInstance) => Promise<void> {
  return async (fastify) => {
    // Both are the plugin's own: Fastify's other routes keep their parsers.
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser('*', takeBody)
    // `@fastify/cors` has such a route where it is registered, and answers before it comes to that.
    const isTaken = fastify.hasRoute({ method: 'OPTIONS', url: `${fastify.prefix}/*` })
    const method = fastify.supportedMethods.filter((name) => name !== 'OPTIONS' || !isTaken)
    fastify.route({ method, url: '/*', handler: handlerOf(relay, fastify.prefix || undefined) })
  }
}

function handlerOf(relay: Relay, mount: string | undefined): FastifyHandler {
  return (request, reply) => {
    const parsed = { body: request.body ?? request.rawBody }
    const answering = handleNode(relay, request.raw, reply.raw, { mount, host: request, parsed })
    if (!answering) return void reply.callNotFound()
    reply.hijack()
    for (const [name, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value)
  }
}

/** Leaves the body on the wire for the relay. One that a hook reads too, or has put in its place, can be had only here. */
async function takeBody({ raw, routeOptions }: FastifyRequest, payload: Readable): Promise<Buffer | undefined> {
  if (payload === raw && (raw.readableDidRead || !raw.readableFlowing)) return undefined
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of payload as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > routeOptions.bodyLimit) throw tooLarge(routeOptions.bodyLimit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
