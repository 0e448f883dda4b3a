import { afterAll } from 'vitest'
import { makeSqlitePlace } from './drivers.js'
import { sqlSuite } from './sql.suite.js'

const place = makeSqlitePlace()
afterAll(() => place.remove())
let files = 0

sqlSuite(
  'SQLite',
  () => place,
  async () => ({ kind: 'sqlite', at: `${place.at}-${files++}` }),
)
