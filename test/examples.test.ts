import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import OpenAI from 'openai'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { freePort } from './free-port.js'
import { answerError, answerStream, type ScriptedUpstream, startUpstream, streamed } from './scripted-upstream.js'

const root: URL = new URL('../', import.meta.url)
const KEY = 'sk-example-of-a-key'

/** An example that runs in a process of its own. */
interface Running {
  readonly process: ChildProcess
  /** All it has printed, on both channels. */
  readonly printed: () => string
  readonly exit: Promise<number | null>
}

let upstream: ScriptedUpstream
let running: Running | undefined

beforeAll(() => {
  if (!existsSync(new URL('dist/index.js', root))) {
    throw new Error("the examples import 'modelmount', which is dist/: run `npm run build` first")
  }
})

beforeEach(async () => {
  upstream = await startUpstream(answerStream(streamed('good ', 'morning'), 5))
})

afterEach(async () => {
  running?.process.kill('SIGKILL')
  running = undefined
  await upstream.close()
})

function run(name: string, environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [`examples/${name}`], {
    cwd: root,
    env: { PATH: process.env.PATH, OPENAI_API_KEY: 'sk-upstream', UPSTREAM: upstream.baseURL, ...environment },
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  running = { process: child, printed: () => text, exit }
  return running
}

/** Runs an example that serves, and waits until it does. */
async function serve(name: string, environment: Record<string, string> = {}): Promise<{ url: string } & Running> {
  const port = await freePort()
  const example = run(name, { PORT: String(port), CALLER_KEY: KEY, ...environment })
  const url = `http://127.0.0.1:${port}`
  const exit = example.exit.then(() => 'exit')
  while (!example.printed().includes(`listening on ${url}/v1\n`)) {
    const tick = new Promise((resolve) => setTimeout(resolve, 20))
    if ((await Promise.race([exit, tick])) === 'exit') throw new Error(example.printed())
  }
  return { url, ...example }
}

async function ask(url: string, options: { apiKey?: string; model?: string; cookie?: string } = {}): Promise<string[]> {
  const { apiKey = KEY, model = 'gpt-5-mini', cookie } = options
  const client = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey,
    maxRetries: 0,
    defaultHeaders: { cookie: cookie ?? null },
  })
  const messages = [{ role: 'user' as const, content: 'Say hello.' }]
  const words: string[] = []
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    const word = chunk.choices[0]?.delta.content
    if (word) words.push(word)
  }
  return words
}

const needs = new Map([['nestjs.js', '@nestjs/core']])
const isInstalled = (name = ''): boolean => existsSync(new URL(`node_modules/${name}`, root))

describe.each(['express.js', 'koa.js', 'fastify.js', 'node.js', 'nestjs.js'])('examples/%s', (name) => {
  it('streams an answer, leaves other paths to the app, and stops at a signal', async ({ skip }) => {
    skip(!isInstalled(needs.get(name)), `${needs.get(name)} is not installed`)
    const { url, process, exit } = await serve(name)
    expect(await ask(url)).toEqual(['good ', 'morning'])
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer sk-upstream')
    expect(await (await fetch(url)).text()).toBe('the app itself\n')
    await expect(ask(url, { apiKey: 'sk-someone-else' })).rejects.toMatchObject({ status: 401 })
    process.kill('SIGTERM')
    expect(await exit).toBe(0)
  })
})

describe('modules for fetch hosts', () => {
  const load = async (name: string): Promise<Record<string, unknown>> => {
    vi.resetModules()
    vi.stubEnv('OPENAI_API_KEY', 'sk-upstream')
    vi.stubEnv('UPSTREAM', upstream.baseURL)
    vi.stubEnv('CALLER_KEY', KEY)
    return await import(new URL(`examples/${name}`, root).href)
  }
  const asking = (url: string): Request => {
    const messages = [{ role: 'user', content: 'Say hello.' }]
    const body = JSON.stringify({ model: 'gpt-5-mini', messages, stream: true })
    return new Request(url, { method: 'POST', body, headers: { authorization: `Bearer ${KEY}` } })
  }
  afterEach(() => vi.unstubAllEnvs())

  it('examples/hono.js streams an answer, and leaves other paths to the app', async () => {
    const app = (await load('hono.js')).default as { fetch(request: Request): Promise<Response> }
    const answer = await app.fetch(asking('http://app/v1/chat/completions'))
    expect(await answer.text()).toBe(streamed('good ', 'morning').join(''))
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer sk-upstream')
    expect(await (await app.fetch(new Request('http://app/'))).text()).toBe('the app itself\n')
    expect((await app.fetch(new Request('http://app/v1/models'))).status).toBe(401)
  })

  it('examples/nextjs-route.js streams an answer, and exports the methods that clients use', async () => {
    const route = (await load('nextjs-route.js')) as Record<string, (...given: unknown[]) => Promise<Response>>
    const parameters = { params: Promise.resolve({ path: ['chat', 'completions'] }) }
    const answer = await route.POST?.(asking('http://app/v1/chat/completions'), parameters)
    expect(await answer?.text()).toBe(streamed('good ', 'morning').join(''))
    expect(upstream.seen[0]?.headers.authorization).toBe('Bearer sk-upstream')
    expect((await route.GET?.(new Request('http://app/v1/models'), parameters))?.status).toBe(401)
    expect(Object.keys(route).sort()).toEqual(['DELETE', 'GET', 'OPTIONS', 'POST'])
  })
})

describe('examples/in-process.js', () => {
  it('prints a streamed answer, and its process ends by itself', async () => {
    const { exit, printed } = run('in-process.js')
    expect(await exit).toBe(0)
    expect(printed()).toBe('good morning')
  })
})

describe('examples/failover.js', () => {
  it('streams from the backup when the first base URL fails, and reports both', async () => {
    const backup = await startUpstream(answerStream(streamed('from ', 'the backup')))
    upstream.script = answerError(503, 'overloaded')
    const { url, printed } = await serve('failover.js', { BACKUP: backup.baseURL })
    expect(await ask(url, { model: 'fast' })).toEqual(['from ', 'the backup'])
    expect(JSON.parse(backup.seen[0]?.body ?? '')).toMatchObject({ model: 'small-model' })
    await backup.close()
    expect(printed()).toContain('fast complete')
    expect(printed()).toContain('openai/gpt-5-mini')
  })
})

describe('examples/host-users.js', () => {
  it("authenticates the session's user, and applies its group", async () => {
    const { url } = await serve('host-users.js')
    const cookie = 'session=example-of-ada'
    expect(await ask(url, { cookie })).toEqual(['good ', 'morning'])
    expect(upstream.seen[0]?.headers.cookie).toBeUndefined()
    await expect(ask(url, { cookie, model: 'gpt-5' })).rejects.toMatchObject({ status: 404 })
    await expect(ask(url)).rejects.toMatchObject({ status: 401 })
  })
})

describe('examples/limits.js', () => {
  it('answers from the cache, limits concurrent calls to four, and reports the cost', async () => {
    const { url, printed, process, exit } = await serve('limits.js')
    expect(await ask(url)).toEqual(['good ', 'morning'])
    expect(await ask(url)).toEqual(['good ', 'morning'])
    expect(upstream.seen).toHaveLength(1)
    upstream.script = answerStream(streamed('good ', 'evening'), 100)
    const models = Array.from({ length: 5 }, (_, index) => `gpt-5-mini-2025-08-0${index + 1}`)
    const all = await Promise.allSettled(models.map((model) => ask(url, { model })))
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    expect(all.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { status: 429 } })
    process.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(printed()).toMatch(/gpt-5-mini miss \S+ USD\ngpt-5-mini hit 0 USD/)
    const sum = [...printed().matchAll(/ (\S+) USD$/gm)].reduce((total, [, usd]) => total + Number(usd), 0)
    const [, spent] = /spent (\S+) USD/.exec(printed()) ?? []
    expect(Number(spent)).toBeCloseTo(sum, 9)
    expect(sum).toBeGreaterThan(0)
  })
})

describe('all examples', () => {
  // `test/package/compose.test.ts` runs the config there.
  const names = readdirSync(new URL('examples', root)).filter((name) => name.endsWith('.js'))
  const tests = readFileSync(new URL(import.meta.url), 'utf8')

  it.each(names)('%s has at most 30 lines and is run here', (name) => {
    const lines = readFileSync(new URL(`examples/${name}`, root), 'utf8')
      .trimEnd()
      .split('\n')
    expect(lines.length).toBeLessThanOrEqual(30)
    expect(tests).toContain(`'${name}'`)
    // Also for examples that are skipped because a package is missing.
    const { status, stderr } = spawnSync(process.execPath, ['--check', `examples/${name}`], { cwd: root })
    expect([status, String(stderr)]).toEqual([0, ''])
  })
})
