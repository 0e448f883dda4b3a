// Makes the compiler read the types of every export, which `skipLibCheck: false` then checks.
export * as main from 'modelmount'
export * as express from 'modelmount/express'
export * as fastify from 'modelmount/fastify'
export * as fetch from 'modelmount/fetch'
export * as hono from 'modelmount/hono'
export * as koa from 'modelmount/koa'
export * as node from 'modelmount/node'
export * as passthrough from 'modelmount/passthrough'
