// @ts-check
// The relay in a NestJS app, as in its main.ts. It needs @nestjs/platform-express. OPENAI_API_KEY=sk-… node examples/nestjs.js
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createRelay } from 'modelmount'
import { expressRelay } from 'modelmount/express'

const { PORT = '3000', UPSTREAM, CALLER_KEY = 'sk-example-alice' } = process.env

const relay = createRelay({
  providers: { openai: { baseURL: UPSTREAM } },
  keys: [{ id: 'alice', key: CALLER_KEY }],
})

class AppModule {}
Module({})(AppModule)

const app = await NestFactory.create(AppModule, { logger: false })
app.getHttpAdapter().get('/', (_request, response) => response.send('the app itself\n'))
app.use('/v1', expressRelay(relay))
await app.listen(Number(PORT))
console.log(`listening on http://127.0.0.1:${PORT}/v1`)

process.once('SIGTERM', async () => {
  await app.close()
  await relay.close()
})
