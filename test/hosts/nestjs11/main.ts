import 'reflect-metadata'
import { Controller, Get, Injectable, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createRelay, type Relay } from 'modelmount'
import { expressRelay } from 'modelmount/express'

const { PORT, UPSTREAM } = process.env

@Injectable()
class RelayService {
  readonly relay: Relay = createRelay({
    providers: { upstream: { type: 'openai-compatible', baseURL: UPSTREAM } },
    keys: [{ id: 'alice', key: 'sk-alice-secret' }],
  })

  onApplicationShutdown(): Promise<void> {
    return this.relay.close()
  }
}

@Controller()
class AppController {
  @Get()
  hello(): string {
    return 'the app itself'
  }
}

@Module({ controllers: [AppController], providers: [RelayService] })
class AppModule {}

async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule)
  app.use('/v1', expressRelay(app.get(RelayService).relay))
  app.enableShutdownHooks()
  await app.listen(Number(PORT), '127.0.0.1')
  console.log(`listening on port ${PORT}`)
}
void bootstrap()
