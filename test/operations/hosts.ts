import { createServer } from 'node:http'
import { expressRelay } from '../../adapters/express.js'
import { koaRelay } from '../../adapters/koa.js'
import { listen } from '../listen.js'
import { express5, koa3, koaBodyparser, type Mount, mounts } from '../mounts.js'

const PLAIN: ReadonlySet<string> = new Set(['node', 'express 5 at the root', 'koa 3'])

/** The hosts in which all operations are tested: bare ones, and those with a body parser before the relay. */
export const hosts: readonly Pick<Mount, 'name' | 'start'>[] = [
  ...mounts.filter(({ name }) => PLAIN.has(name)),
  {
    name: 'express 5 behind express.json()',
    start: (relay) => {
      const app = express5()
      app.use(express5.json())
      app.use(expressRelay(relay))
      return listen(createServer(app))
    },
  },
  {
    name: 'koa 3 behind koa-bodyparser',
    start: (relay) => {
      const app = new koa3()
      app.use(koaBodyparser())
      app.use(koaRelay(relay))
      return listen(createServer(app.callback()))
    },
  },
]
