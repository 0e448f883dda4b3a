import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Cleanup } from './cleanup.js'
import { ask, modelmount, serve, statusOf, writeFileFor } from './command-line.js'
import { startConnectProxy } from './connect-proxy.js'
import { freePort } from './free-port.js'
import { listen } from './listen.js'
import { answerJson, completion, startUpstream } from './scripted-upstream.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const KEY = 'sk-caller-00000001'
const PROVIDER_KEY = 'sk-provider-secret'

/** A config file with one model, `demo`, at one upstream. */
function writeConfig(baseURL: string): Promise<string> {
  return writeFileFor('relay.json', {
    providers: { up: { type: 'openai-compatible', baseURL, apiKey: PROVIDER_KEY } },
    models: { demo: 'up/real' },
    retry: { attempts: 1 },
    keys: [{ id: 'alice', key: KEY }],
  })
}

describe('the address', () => {
  it('comes from PORT and HOST', async () => {
    const port = await freePort()
    const { origin } = await serve([], { PORT: String(port), HOST: '127.0.0.2' })
    expect(origin).toBe(`http://127.0.0.2:${port}`)
    expect((await fetch(`${origin}/healthz`)).status).toBe(200)
  })

  it('comes from a flag where both are given', async () => {
    const { origin } = await serve(['--port', '0', '--host', '127.0.0.1'], { PORT: 'no port', HOST: 'no.host.invalid' })
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('has its default where HOST is set and empty', async () => {
    const { origin } = await serve([], { HOST: '' })
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it.each(['x', '65536', '-1', '80 80', '1e3'])('is refused in one line that names PORT: %j', async (PORT) => {
    const { code, stdout, stderr } = await modelmount([], { PORT })
    expect(stderr).toBe(`PORT: "${PORT}" is not a port (0 to 65535)\n`)
    expect([code, stdout]).toEqual([1, ''])
  })

  it('is refused in one line that names HOST', async () => {
    const { code, stderr } = await modelmount([], { PORT: '0', HOST: '192.0.2.1' })
    expect(stderr).toBe(
      'cannot listen on 192.0.2.1:0: this machine does not have the address: choose another with --host or HOST\n',
    )
    expect(code).toBe(1)
  })
})

describe('MODELMOUNT_CONFIG', () => {
  const other = (key: string): object => ({ providers: { openai: { apiKey: 'sk-any' } }, keys: [{ id: 'bob', key }] })

  it('names the config of the relay and of the other commands', async () => {
    const MODELMOUNT_CONFIG = await writeFileFor('relay.json', other('sk-bob-00000001'))
    const { baseURL } = await serve([], { MODELMOUNT_CONFIG })
    expect(await statusOf(baseURL, 'sk-bob-00000001')).toBe(200)
    const checked = await modelmount(['check'], { MODELMOUNT_CONFIG })
    expect(checked.stdout).toContain(`${MODELMOUNT_CONFIG} is valid`)
    const listed = await modelmount(['key', 'list'], { MODELMOUNT_CONFIG })
    expect(listed.stdout).toContain('bob')
  })

  it('gives way to --config', async () => {
    const file = await writeFileFor('relay.json', other('sk-bob-00000001'))
    const { baseURL } = await serve(['--config', file], { MODELMOUNT_CONFIG: '/nowhere/relay.json' })
    expect(await statusOf(baseURL, 'sk-bob-00000001')).toBe(200)
  })

  it('is ignored by commands that take no config, and where it is empty', async () => {
    expect((await modelmount(['schema'], { MODELMOUNT_CONFIG: '/nowhere/relay.json' })).code).toBe(0)
    const { stdout } = await serve([], { MODELMOUNT_CONFIG: '' })
    expect(stdout()).toContain('relaying to a demo upstream')
  })
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('a proxy for the way to the providers', () => {
  it.each(['HTTP_PROXY', 'http_proxy'])('carries calls where %s names it', async (variable) => {
    const upstream = cleanup.add(await startUpstream())
    const proxy = cleanup.add(await startConnectProxy(upstream.port))
    const file = await writeConfig('http://provider.test/v1')
    const { baseURL } = await serve(['--config', file], { [variable]: `http://${proxy.address}` })
    const answer = await ask(baseURL, KEY)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('hello')
    expect(upstream.seen[0]?.headers).toMatchObject({ authorization: `Bearer ${PROVIDER_KEY}`, host: 'provider.test' })
    expect(proxy.seen.map(({ line }) => line)).toEqual(['CONNECT provider.test:80'])
    expect(JSON.stringify(proxy.seen)).not.toContain(PROVIDER_KEY)
  })

  it.skipIf(!hasOpenssl).each(['HTTPS_PROXY', 'https_proxy'])(
    'sees neither key nor body of calls over TLS where %s names it',
    async (variable) => {
      const { key, cert, certFile } = makeCertificate('provider.test')
      const requests: string[] = []
      const upstream = createServer({ key, cert }, (req, res) => {
        requests.push(`${req.method} ${req.url} ${req.headers.authorization}`)
        req.resume()
        res.setHeader('content-type', 'application/json').end(JSON.stringify(completion('over TLS')))
      })
      const { port } = cleanup.add(await listen(upstream))
      const proxy = cleanup.add(await startConnectProxy(port))
      const file = await writeConfig('https://provider.test/v1')
      const environment = { [variable]: `http://bob:p%40ss@${proxy.address}`, NODE_EXTRA_CA_CERTS: certFile }
      const { baseURL } = await serve(['--config', file], environment)
      const answers = await Promise.all([ask(baseURL, KEY), ask(baseURL, KEY)])
      for (const answer of answers) expect(await answer.text()).toContain('over TLS')
      expect(requests).toEqual(Array(2).fill(`POST /v1/chat/completions Bearer ${PROVIDER_KEY}`))
      expect(new Set(proxy.seen.map(({ line }) => line))).toEqual(new Set(['CONNECT provider.test:443']))
      expect(proxy.seen[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('bob:p@ss').toString('base64')}`)
      expect(JSON.stringify(proxy.seen)).not.toContain(PROVIDER_KEY)
    },
  )

  it.each([
    ['NO_PROXY', '127.0.0.2'],
    ['no_proxy', 'elsewhere.test, 127.0.0.2'],
    ['NO_PROXY', '*'],
  ])('does not carry calls to the hosts of %s: %s', async (variable, hosts) => {
    const upstream = cleanup.add(await startUpstream())
    const proxy = cleanup.add(await startConnectProxy(upstream.port))
    // The upstream does not listen there: only the proxy would lead to it.
    const file = await writeConfig(`http://127.0.0.2:${upstream.port}/v1`)
    const environment = { HTTP_PROXY: `http://${proxy.address}` }
    const proxied = await serve(['--config', file], environment)
    expect((await ask(proxied.baseURL, KEY)).status).toBe(200)
    expect(proxy.seen).toHaveLength(1)
    const direct = await serve(['--config', file], { ...environment, [variable]: hosts })
    expect((await ask(direct.baseURL, KEY)).status).toBe(502)
    expect(proxy.seen).toHaveLength(1)
  })

  it.each([undefined, 'elsewhere.test'])('does not carry calls to this machine, with NO_PROXY=%s', async (NO_PROXY) => {
    const upstream = cleanup.add(await startUpstream())
    const proxy = cleanup.add(await startConnectProxy(upstream.port))
    const file = await writeConfig(upstream.baseURL)
    const environment = { HTTP_PROXY: `http://${proxy.address}`, ...(NO_PROXY && { NO_PROXY }) }
    const { baseURL } = await serve(['--config', file], environment)
    expect((await ask(baseURL, KEY)).status).toBe(200)
    expect(proxy.seen).toEqual([])
    // The demo upstream is on this machine too.
    const demo = await serve([], environment)
    expect((await ask(demo.baseURL, 'sk-modelmount-demo')).status).toBe(200)
    expect(proxy.seen).toEqual([])
  })

  it('that refuses makes the call fail as if the provider could not be reached', async () => {
    const proxy = cleanup.add(await startConnectProxy(0, 407))
    const file = await writeConfig('http://provider.test/v1')
    const { baseURL, stderr } = await serve(['--config', file], {
      HTTP_PROXY: `http://bob:secret-word@${proxy.address}`,
    })
    const answer = await ask(baseURL, KEY)
    expect(answer.status).toBe(502)
    expect((await answer.text()) + stderr()).not.toContain('secret-word')
  })

  it('does not keep the process running after SIGTERM', async () => {
    const upstream = cleanup.add(await startUpstream())
    const proxy = cleanup.add(await startConnectProxy(upstream.port))
    const file = await writeConfig('http://provider.test/v1')
    const { baseURL, end } = await serve(['--config', file], { HTTP_PROXY: `http://${proxy.address}` })
    await (await ask(baseURL, KEY)).text()
    const startedAt = performance.now()
    expect((await end()).code).toBe(0)
    expect(performance.now() - startedAt).toBeLessThan(1500)
  })

  it('gives way to the transport of a config module', async () => {
    const upstream = cleanup.add(await startUpstream(answerJson(completion('by the module'))))
    const proxy = cleanup.add(await startConnectProxy(upstream.port))
    const file = await writeFileFor(
      'relay.mjs',
      `const { Agent } = await import(${JSON.stringify(import.meta.resolve('undici'))})
       export default {
         providers: { up: { type: 'openai-compatible', baseURL: 'http://127.0.0.3:${upstream.port}/v1', apiKey: 'sk-up' } },
         models: { demo: 'up/real' },
         keys: [{ id: 'alice', key: '${KEY}' }],
         transport: new Agent({ connect: (_, callback) => import('node:net').then(({ connect }) => {
           const socket = connect(${upstream.port}, '127.0.0.1', () => callback(null, socket))
         }) }),
       }`,
    )
    const { baseURL } = await serve(['--config', file], { HTTP_PROXY: `http://${proxy.address}` })
    expect(await (await ask(baseURL, KEY)).text()).toContain('by the module')
    expect(proxy.seen).toEqual([])
  })

  it.each([
    ['HTTPS_PROXY', 'not a url'],
    ['http_proxy', 'bob:secret-word@proxy.test:3128'],
    ['HTTP_PROXY', 'ftp://bob:secret-word@proxy.test'],
  ])('is refused in one line where %s is no address of a proxy, without its password', async (variable, value) => {
    const { code, stdout, stderr } = await modelmount(['--port', '0'], { [variable]: value })
    expect(stderr).toBe(`${variable}: expected the URL of a proxy, such as http://proxy.example:3128\n`)
    expect([code, stdout]).toEqual([1, ''])
  })
})

function makeCertificate(host: string): { key: Buffer; cert: Buffer; certFile: string } {
  const folder = mkdtempSync(join(tmpdir(), 'modelmount-'))
  cleanup.add({ close: () => rmSync(folder, { recursive: true }) })
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const options = [
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${host}`,
    '-addext',
    `subjectAltName=DNS:${host}`,
  ]
  execFileSync('openssl', ['req', '-x509', ...options, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), certFile }
}
