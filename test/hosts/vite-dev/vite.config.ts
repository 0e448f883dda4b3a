import { createRelay } from 'modelmount'
import { expressRelay } from 'modelmount/express'
import { defineConfig } from 'vite'

const { PORT, UPSTREAM } = process.env

const relay = createRelay({
  providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: 'sk-alice-secret' }],
})

// Vite requires this default export.
export default defineConfig({
  server: { host: '127.0.0.1', port: Number(PORT), strictPort: true },
  plugins: [
    {
      name: 'relay',
      configureServer(server) {
        server.middlewares.use('/v1', expressRelay(relay))
        server.httpServer?.once('close', () => relay.close())
      },
    },
  ],
})
