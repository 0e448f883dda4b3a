// @ts-check
// The app's own session says who is calling, so callers need no relay key. OPENAI_API_KEY=sk-… node examples/host-users.js
import express from 'express'
import { createRelay } from 'modelmount'
import { expressRelay } from 'modelmount/express'

const { PORT = '3000', UPSTREAM } = process.env
/** Stands for a session store: cookie → user. */
const sessions = new Map([['session=example-of-ada', { name: 'ada', plan: 'free' }]])

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  groups: { free: { models: ['gpt-5-mini'] } },
  authenticate({ host }) {
    const { user } = /** @type {{ user?: { name: string, plan: string } }} */ (host)
    return user && { id: `user:${user.name}`, group: user.plan }
  },
})

const app = express()
app.use((request, _response, next) => {
  Object.assign(request, { user: sessions.get(request.headers.cookie ?? '') })
  next()
})
app.use('/v1', expressRelay(relay))
app.listen(Number(PORT), () => console.log(`listening on http://127.0.0.1:${PORT}/v1`))
