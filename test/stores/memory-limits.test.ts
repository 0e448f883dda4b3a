import { MemoryLimits } from '../../src/stores/memory/limits.js'
import { limitsSuite } from './limits.suite.js'

limitsSuite('limits in memory', async () => {
  let time = 1000
  const pass = async (ms: number): Promise<void> => {
    time += ms
  }
  return { limits: new MemoryLimits(() => time), now: () => time, pass, close: () => {} }
})
