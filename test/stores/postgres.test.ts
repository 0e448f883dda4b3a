import { describeWithPostgres } from '../postgres-server.js'
import { sqlSuite } from './sql.suite.js'

describeWithPostgres('PostgreSQL', (server) => {
  sqlSuite('PostgreSQL', () => ({ kind: 'postgres', at: server.url }))
})
