/**
 * The relay in Fastify 5: `fastify.register(fastifyRelay(relay), { prefix: '/v1' })`, at any prefix.
 * @module modelmount/fastify
 */
import type { Readable } from 'node:stream'
import { type Relay, tooLarge } from '../src/index.js'
import { handleNode, type NodeRequest, type NodeResponse, type ParsedBody } from './node-http.js'

/** The part of Fastify's request that the relay uses. */
export interface FastifyRequest extends ParsedBody {
  readonly raw: NodeRequest
  readonly ip: string
  readonly routeOptions: { readonly bodyLimit: number }
}

/** The part of Fastify's reply that the relay uses. */
export interface FastifyReply {
  readonly raw: NodeResponse
  getHeaders(): Record<string, number | string | string[] | undefined>
  hijack(): unknown
  callNotFound(): unknown
}

/** The part of Fastify that the relay uses. */
export interface FastifyInstance {
  readonly prefix: string
  readonly supportedMethods: string[]
  hasRoute(route: { method: string; url: string }): boolean
  removeAllContentTypeParsers(): void
  addContentTypeParser(type: '*', parse: (request: FastifyRequest, payload: Readable) => Promise<unknown>): unknown
  route(route: { method: string[]; url: string; handler: FastifyHandler }): unknown
}

export type FastifyHandler = (request: FastifyRequest, reply: FastifyReply) => void

/** Creates a plugin that answers the relay's paths on Node's response, after all hooks. Other paths get Fastify's 404. */
export function fastifyRelay(relay: Relay): (fastify: FastifyInstance) => Promise<void> {
  return async (fastify) => {
    // Within the plugin only: Fastify's other routes keep their parsers.
    fastify.removeAllContentTypeParsers()
    fastify.addContentTypeParser('*', leaveBody)
    // `@fastify/cors`, where registered, has this route and answers it itself.
    const hasOptionsRoute = fastify.hasRoute({ method: 'OPTIONS', url: `${fastify.prefix}/*` })
    const method = fastify.supportedMethods.filter((name) => name !== 'OPTIONS' || !hasOptionsRoute)
    fastify.route({ method, url: '/*', handler: createHandler(relay, fastify.prefix || undefined) })
  }
}

function createHandler(relay: Relay, mount: string | undefined): FastifyHandler {
  return (request, reply) => {
    const parsed = { body: request.body ?? request.rawBody }
    const responding = handleNode(relay, request.raw, reply.raw, { mount, host: request, parsed })
    if (!responding) return void reply.callNotFound()
    reply.hijack()
    for (const [name, value = ''] of Object.entries(reply.getHeaders())) reply.raw.setHeader(name, value)
  }
}

/** Leaves the body unread for the relay. A body that a hook has read or replaced is available only here. */
async function leaveBody({ raw, routeOptions }: FastifyRequest, payload: Readable): Promise<Buffer | undefined> {
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
