// The relay that the benchmark measures, with keys, routing, failover and usage. Environment variables that targets.js
// sets select the mount and the targets.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRelay } from '../../dist/index.js'
import { attachRelay, nodeRelay } from '../../dist/node.js'

const { PORT, UPSTREAM, FAILING, KEYS_FILE, CHANNELS = '1', MOUNT = 'node', SCENARIO = '', COUNTED } = process.env

const secrets = KEYS_FILE
  ? readFileSync(KEYS_FILE, 'utf8').trim().split('\n')
  : ['sk-bench-0123456789abcdefghijklmnopqrstuvwxyz']
/** The provider's protocol, if it differs from the client's. */
const TRANSLATED = { s4: 'anthropic', s4s: 'anthropic', s4p: 'anthropic', s5: 'gemini', s5s: 'gemini', s5p: 'gemini' }
const foreign = TRANSLATED[SCENARIO]

const at = (baseURL) => ({ type: 'openai-compatible', apiKey: 'sk-upstream', baseURL })
const names = Array.from({ length: Number(CHANNELS) }, (_, index) => `channel${index + 1}`)
const providers = Object.fromEntries(names.map((name, index) => [name, at(`${UPSTREAM}/ch/${index + 1}/v1`)]))
if (FAILING) providers.failing = at(`${FAILING}/v1`)
if (foreign) providers.channel1 = { type: foreign, apiKey: 'sk-upstream', baseURL: UPSTREAM }

/** Limits and a budget that are counted, and never reached. */
const counted = { limits: { rpm: 1e9, tpm: 1e12, concurrency: 1e6 }, budget: { usd: 1e6, per: 'month' } }

let tokens = 0
const relay = createRelay({
  providers,
  models: { '*': FAILING ? ['failing', ...names] : { strategy: 'weighted', targets: names } },
  keys: secrets.map((key, index) => ({ id: `caller${index}`, key, ...(COUNTED && counted) })),
  ...(COUNTED && { prices: { '*': { input: 1, cachedInput: 0.1, output: 4 } } }),
  ...(SCENARIO === 's7' && { cache: { temperature: 'any' } }),
  // The benchmark fails over in every request. A cooldown would end that.
  health: { failures: 1_000_000_000 },
  plugins: [{ done: (record) => (tokens += record.outputTokens ?? 0) }],
  logger: false,
})

// A mount loads only its own framework, so that the start is measured without the others.
const mounts = {
  node: () => createServer(nodeRelay(relay)),
  async express() {
    const [{ default: express }, { expressRelay }] = await Promise.all([
      import('express'),
      import('../../dist/express.js'),
    ])
    return createServer(express().use('/v1', expressRelay(relay)))
  },
  async koa() {
    const [{ default: Koa }, { koaRelay }] = await Promise.all([import('koa'), import('../../dist/koa.js')])
    return createServer(new Koa().use(koaRelay(relay)).callback())
  },
  async attach() {
    const { default: express } = await import('express')
    const server = createServer(express())
    attachRelay(server, relay)
    return server
  },
}
;(await mounts[MOUNT]()).listen(Number(PORT), '127.0.0.1')
