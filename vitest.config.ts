import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vitest/config'

/** The folder whose `node_modules` has other versions of the SDKs: see `test/nodes/run`. */
const { MODELMOUNT_SDKS: sdks } = process.env

/** Lets tests import OpenAI's and Google's SDK from another folder. */
function sdksFrom(folder: string): Plugin {
  return {
    name: 'modelmount:sdks',
    enforce: 'pre',
    resolveId(id, _importer, options) {
      if (!/^(?:openai|@google\/genai)(?:\/|$)/.test(id)) return null
      return this.resolve(id, join(folder, 'package.json'), { ...options, skipSelf: true })
    },
  }
}

export default defineConfig({
  plugins: sdks ? [sdksFrom(sdks)] : [],
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    pool: 'forks',
    // Many tests wait, for processes and for time: a core left free would wait with them.
    maxWorkers: '100%',
  },
})
