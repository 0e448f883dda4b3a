import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    pool: 'forks',
    // Many tests wait, for processes and for time: a core left free would wait with them.
    maxWorkers: '100%',
  },
})
