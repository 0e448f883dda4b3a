import { createRelay } from 'modelmount'
import { fetchRelay } from 'modelmount/fetch'

const { UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

export const POST = fetchRelay(relay)
export const GET = POST
export const DELETE = POST
export const OPTIONS = POST
