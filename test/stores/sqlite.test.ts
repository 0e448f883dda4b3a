import { afterAll } from 'vitest'
import { makeSqlitePlace } from './drivers.js'
import { sqlSuite } from './sql.suite.js'

const place = makeSqlitePlace()
afterAll(() => place.remove())

sqlSuite('SQLite', () => place)
