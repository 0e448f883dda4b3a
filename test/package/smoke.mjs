// Calls every export of the installed tarball, without any framework installed. `.ci/run` starts it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { createRelay, version } from 'modelmount'
import { expressRelay } from 'modelmount/express'
import { fastifyRelay } from 'modelmount/fastify'
import { fetchRelay } from 'modelmount/fetch'
import { honoRelay } from 'modelmount/hono'
import { koaRelay } from 'modelmount/koa'
import { attachRelay, nodeRelay } from 'modelmount/node'
import { passthroughRelay } from 'modelmount/passthrough'

const KEY = 'sk-smoke-alice'
const ANSWER = { object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'hello' } }] }
const QUESTION = {
  method: 'POST',
  headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({ model: 'upstream/any', messages: [{ role: 'user', content: 'Say hello.' }] }),
}

const upstream = await serve((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ANSWER))
})
const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: `${upstream.url}/v1` } },
  keys: [{ id: 'alice', key: KEY }],
  forward: { unread: 'upstream' },
})

const express = expressRelay(relay)
const koa = koaRelay(relay)
const fastify = await new Promise((resolve) => {
  const app = {
    prefix: '',
    supportedMethods: ['POST'],
    hasRoute: () => false,
    removeAllContentTypeParsers: () => undefined,
    addContentTypeParser: () => undefined,
    route: ({ handler }) => resolve(handler),
  }
  fastifyRelay(relay)(app)
})
const attached = await serve((_request, response) => response.writeHead(404).end())
attachRelay(attached.server, relay)

const entryPoints = {
  '/node, nodeRelay': await serve(nodeRelay(relay)),
  '/node, attachRelay': attached,
  '/express': await serve((req, res) => express(req, res, () => res.writeHead(404).end())),
  '/koa': await serve((req, res) => {
    const context = { req, res, originalUrl: req.url, ip: req.socket.remoteAddress, request: {} }
    return koa(context, async () => res.writeHead(404).end())
  }),
  '/fastify': await serve((raw, res) => {
    fastify({ raw, ip: raw.socket.remoteAddress }, { raw: res, getHeaders: () => ({}), hijack() {}, callNotFound() {} })
  }),
}
const unread = await serve(passthroughRelay(relay))
await check('/passthrough', fetch(`${unread.url}/v1/unread/anything`, QUESTION), 'upstream/unread')
for (const [name, { url }] of Object.entries(entryPoints))
  await check(name, fetch(`${url}/v1/chat/completions`, QUESTION))
await check('/fetch', fetchRelay(relay)('http://relay/v1/chat/completions', QUESTION))
const next = async () => undefined
const raw = new Request('http://relay/v1/chat/completions', QUESTION)
await check('/hono', honoRelay(relay)({ req: { raw } }, next))

const load = createRequire(import.meta.url)
assert.equal(load('modelmount/package.json').version, version)
assert.equal(load('modelmount/config.schema.json').type, 'object')
console.log('ok /config.schema.json, /package.json')

await relay.close()
for (const { server } of [upstream, unread, ...Object.values(entryPoints)]) {
  server.close()
  server.closeAllConnections()
}

async function check(name, answering, target = 'upstream/any') {
  const response = await answering
  assert.equal(response.status, 200, name)
  assert.equal(response.headers.get('x-modelmount-target'), target, name)
  assert.deepEqual(await response.json(), ANSWER, name)
  console.log(`ok ${name}`)
}

async function serve(listener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${server.address().port}` }
}
