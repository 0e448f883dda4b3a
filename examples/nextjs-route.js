// @ts-check
// The relay in a Next.js app, where this file is app/v1/[...path]/route.js. The rest of the app stays as it is.
import { createRelay } from 'modelmount'
import { fetchRelay } from 'modelmount/fetch'

const { UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

export const POST = fetchRelay(relay)
export const GET = POST
export const DELETE = POST
export const OPTIONS = POST
