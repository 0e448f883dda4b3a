import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRelay } from '../src/index.js'
import { ask, modelmount, serve, statusOf } from './command-line.js'

const run = promisify(execFile)
const DEMO_KEY = 'sk-modelmount-demo'

/** A raw connection. */
async function openSocket(
  origin: string,
): Promise<{ socket: Socket; received: () => string; until: (part: string) => Promise<void> }> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk
  })
  await once(socket, 'connect')
  return {
    socket,
    received: () => received,
    async until(part) {
      while (!received.includes(part)) await once(socket, 'data')
    },
  }
}

describe('without a config', () => {
  it('first prints where it listens', async () => {
    const { origin, stdout } = await serve()
    expect(stdout()).toMatch(/^listening on http:\/\/127\.0\.0\.1:[1-9]\d*\/v1\n/)
    expect((await fetch(origin)).status).toBe(404)
  })

  it('prints a curl line that works when pasted', async ({ skip }) => {
    const hasCurl = await run('curl', ['--version']).then(
      () => true,
      () => false,
    )
    skip(!hasCurl, 'there is no curl on this machine')
    const { stdout } = await serve()
    const line = stdout().match(/^curl .*$/m)?.[0] ?? ''
    const { stdout: answer } = await run('sh', ['-c', line])
    expect(line).toContain('curl -N ')
    expect(answer).toContain('"content":" hello.')
    expect(answer).toMatch(/data: \[DONE\]\s*$/)
  })

  it('shows a failover with demo-flaky', async () => {
    const { baseURL } = await serve()
    const { status, headers } = await ask(baseURL, DEMO_KEY, { model: 'demo-flaky' })
    expect(status).toBe(200)
    expect(headers.get('x-modelmount-attempts')).toBe('demo/demo-500 500, demo/demo 200')
  })

  it('uses the key in MODELMOUNT_KEY instead of the demo key', async () => {
    const { baseURL } = await serve([], { MODELMOUNT_KEY: 'sk-of-my-own' })
    expect(await statusOf(baseURL, 'sk-of-my-own')).toBe(200)
    expect(await statusOf(baseURL, DEMO_KEY)).toBe(401)
  })

  it('relays to the providers whose keys are set, and creates a key', async () => {
    const { baseURL, stdout } = await serve([], { OPENAI_API_KEY: 'sk-provider-secret' })
    const key = stdout().match(/sk-mm-\w{12}-\w{40}/)?.[0] ?? ''
    expect(stdout()).toContain('relaying to openai')
    expect(stdout()).not.toContain('sk-provider-secret')
    expect(await statusOf(baseURL, key)).toBe(200)
    expect(await statusOf(baseURL, DEMO_KEY)).toBe(401)
  })

  it.each([
    ['OPENAI_API_KEY', 'openai', 'gpt-5-mini'],
    ['ANTHROPIC_API_KEY', 'anthropic', 'claude-haiku-4-5'],
    ['GEMINI_API_KEY', 'gemini', 'gemini-2.5-flash'],
  ])('prints a curl line for a model that works with %s', async (variable, provider, model) => {
    const { stdout } = await serve([], { [variable]: 'sk-provider-secret' })
    expect(stdout()).toContain(`relaying to ${provider}\n`)
    const line = stdout().match(/^curl .*$/m)?.[0] ?? ''
    expect(line).toContain('/v1/chat/completions ')
    expect(line).toContain(`{"model":"${model}",`)
    const relay = createRelay({ providers: { [provider]: { apiKey: 'sk-any' } }, logger: false })
    expect(relay.explain(model).targets.map(({ target }) => target)).toEqual([`${provider}/${model}`])
  })

  it('does not print MODELMOUNT_KEY when calls cost money', async () => {
    const { baseURL, stdout } = await serve([], { OPENAI_API_KEY: 'sk-provider', MODELMOUNT_KEY: 'sk-of-my-own' })
    expect(await statusOf(baseURL, 'sk-of-my-own')).toBe(200)
    expect(stdout()).toContain('Bearer $MODELMOUNT_KEY')
    expect(stdout()).not.toContain('sk-of-my-own')
  })
})

describe('the standalone server', () => {
  it.each(['/healthz', '/readyz', '/readyz?verbose'])('answers %s without a key', async (path) => {
    const { origin } = await serve()
    const answer = await fetch(origin + path)
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({ status: 'ok' })
    expect((await fetch(origin + path, { method: 'POST' })).status).toBe(404)
  })

  it('refuses a wrong key before the client sends the body', async () => {
    const { origin } = await serve()
    const body = '{"model":"demo","messages":[{"role":"user","content":"hi"}]}'
    const head = (key: string): string =>
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`
    const unknownClient = await openSocket(origin)
    unknownClient.socket.write(head('sk-wrong-key'))
    await unknownClient.until('invalid_api_key')
    expect(unknownClient.received()).toMatch(/^HTTP\/1\.1 401 /)
    expect(unknownClient.received()).not.toContain('100 Continue')
    const knownClient = await openSocket(origin)
    knownClient.socket.write(head(DEMO_KEY))
    await knownClient.until('\r\n\r\n')
    expect(knownClient.received()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    knownClient.socket.write(body)
    await knownClient.until('"finish_reason":"stop"')
    expect(knownClient.received()).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('lets a running stream finish after %s, and exits with 0', async (signal) => {
    const { baseURL, origin, end } = await serve()
    const answer = await ask(baseURL, DEMO_KEY, { stream: true })
    const ended = end(signal)
    const text = await answer.text()
    const { code, stderr } = await ended
    expect(text).toMatch(/"finish_reason":"stop".*\n\ndata: \[DONE\]\n\n$/s)
    expect(code).toBe(0)
    expect(stderr).toContain('closing')
    await expect(fetch(origin)).rejects.toThrow('fetch failed')
  })

  it('is not ready while it closes', async () => {
    const { origin, child, end, stderr } = await serve()
    const { socket, until, received } = await openSocket(origin)
    const body = JSON.stringify({ model: 'demo', stream: true, messages: [{ role: 'user', content: 'hi' }] })
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${DEMO_KEY}`
    socket.write(`${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    await until('data: ')
    const ended = end()
    while (!stderr().includes('closing')) await once(child.stderr ?? child, 'data')
    socket.write('GET /readyz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n')
    await until('{"status":"ok"}')
    expect(received()).toMatch(/\[DONE\].*HTTP\/1\.1 503 .*\{"status":"closing"\}HTTP\/1\.1 200 .*\{"status":"ok"\}$/s)
    expect((await ended).code).toBe(0)
  })

  it('ends at once at a second signal', async () => {
    const { baseURL, child, end, stderr } = await serve()
    const answer = await ask(baseURL, DEMO_KEY, { model: 'demo-slow', stream: true })
    child.kill('SIGTERM')
    while (!stderr().includes('closing')) await once(child.stderr ?? child, 'data')
    const { signal } = await end('SIGINT')
    expect(signal).toBe('SIGINT')
    await expect(answer.text()).rejects.toThrow('terminated')
  })
})

describe('the command line', () => {
  it.concurrent.each([
    [['--prot', '1'], /^Unknown option '--prot': see modelmount --help$/],
    [['--port', '65536'], /^--port: "65536" is not a port/],
    [['--port', 'x'], /^--port: "x" is not a port/],
    [['--id', 'x'], /^--id: not an option of `modelmount serve`$/],
    [['start'], /^unknown command "start": see modelmount --help$/],
    [['key'], /^unknown command "key": use one of: key create, key list, key revoke, key rotate$/],
    [['check'], /^modelmount check: --config FILE is missing$/],
    [['key', 'revoke', '--config', 'x.json'], /^modelmount key revoke: ID or PUBLICID is missing/],
  ])('%j is refused in one line', async (args, reason) => {
    const { code, stdout, stderr } = await modelmount(args)
    expect(stderr.split('\n')).toEqual([expect.stringMatching(reason), ''])
    expect([code, stdout]).toEqual([1, ''])
  })

  it('reports that the port is in use, and exits', async () => {
    const { origin } = await serve()
    const { port } = new URL(origin)
    const { code, stdout, stderr } = await modelmount(['--port', port])
    expect(stderr).toBe(`cannot listen on 127.0.0.1:${port}: the port is in use: choose another with --port or PORT\n`)
    expect([code, stdout]).toEqual([1, ''])
  })

  it('prints its version, its schema and its help', async () => {
    const file = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8')
    const { version } = JSON.parse(await file('../package.json'))
    expect((await modelmount(['--version'])).stdout).toBe(`${version}\n`)
    expect((await modelmount(['schema'])).stdout).toBe(await file('../dist/config.schema.json'))
    const { stdout } = await modelmount(['--help'])
    for (const command of ['check', 'schema', 'key create', 'key list', 'key revoke', 'key rotate'])
      expect(stdout).toContain(`modelmount ${command}`)
    expect(await file('../dist/src/cli.js')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})
