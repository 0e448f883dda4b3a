import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openaiChat } from '../../src/protocols/openai-chat/index.js'
import { fetchMedia } from '../../src/upstream/media/fetch-media.js'
import { createFetch, fetchRemote, isPrivate } from '../../src/upstream/media/fetch-remote.js'
import { Cleanup } from '../cleanup.js'
import { answerError, inTurn } from '../scripted-upstream.js'
import { pause } from '../until.js'
import { answerIn, startHarness } from './harness.js'
import { dig } from './protocol-fixtures.js'

const cleanup = new Cleanup()
afterEach(() => cleanup.run())

const LIMITS = { maxBytes: 1000, timeoutMs: 2000 }
const image = (url: string): object => ({
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
})

/** Own machine, own network and metadata services, in every spelling that a URL has for them. */
const PRIVATE = [
  'https://127.0.0.1/x',
  'https://127.1/x',
  'https://2130706433/x',
  'https://0x7f.1/x',
  'https://0177.0.0.1/x',
  'https://2852039166/latest/meta-data/',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::1]/x',
  'https://[::]/x',
  'https://[::ffff:169.254.169.254]/',
  'https://[::ffff:a9fe:a9fe]/',
  'https://[::ffff:127.0.0.1]/x',
  'https://[0:0:0:0:0:FFFF:0A00:0001]/x',
  'https://[::127.0.0.1]/x',
  'https://[64:ff9b::7f00:1]/x',
  'https://[64:ff9b:1::7f00:1]/x',
  'https://[2002:7f00:1::]/x',
  'https://[fd00::1]/x',
  'https://[fe80::1]/x',
  'https://[ff02::1]/x',
  'https://10.0.0.1/x',
  'https://172.31.255.255/x',
  'https://192.168.1.1/x',
  'https://100.64.0.1/x',
  'https://198.18.0.1/x',
  'https://0.0.0.0/x',
  'https://255.255.255.255/x',
  'https://user:pass@127.0.0.1/x',
  'https://127.0.0.1./x',
  'https://①②⑦.0.0.1/x',
]

describe('HC-140: URLs that are not fetched', () => {
  it.each(PRIVATE)('%s', async (url) => {
    await expect(fetchRemote(url, LIMITS)).rejects.toThrow('it is not at a public address')
  })

  it('public addresses are not private', () => {
    const open = [
      '8.8.8.8',
      '1.1.1.1',
      '::ffff:8.8.8.8',
      '::ffff:808:808',
      '2606:4700:4700::1111',
      '172.32.0.1',
      '100.128.0.1',
    ]
    expect(open.filter(isPrivate)).toEqual([])
  })

  it.each(['localhost', 'LOCALHOST'])('a name that resolves to a private address: %s', async (host) => {
    await expect(fetchRemote(`https://${host}/x`, LIMITS)).rejects.toThrow('it is not at a public address')
  })

  it.each([
    'http://example.com/x',
    'file:///etc/passwd',
    'gopher://x/',
    'ftp://x/',
    'javascript:1',
    '//x',
    '',
    'https:',
  ])('a URL that is not https: %s', async (url) => {
    await expect(fetchRemote(url, LIMITS)).rejects.toThrow('only https: URLs are fetched')
  })

  it.each([
    'http://169.254.169.254/',
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://does-not-exist.invalid/x',
  ])('answers 400 with the path for %s, and sends nothing upstream', async (url) => {
    const { expectRefused } = await startHarness(cleanup, { media: { fetch: true } })
    const { param, message } = await expectRefused('chat', 'gemini/gemini-2.5-pro', image(url))
    expect([param, message]).toEqual(['messages[0].content[0]', expect.stringContaining('could not be fetched')])
    expect(message).not.toMatch(/127\.0\.0\.1|ECONN|ENOTFOUND/)
  })

  it('any URL, for models that accept URLs or with fetching off', async () => {
    const url = 'https://127.0.0.1:1/x.png'
    const { expectAccepted } = await startHarness(cleanup, { media: { fetch: true } })
    expect(
      dig((await expectAccepted('chat', 'messages/m', image(url)))[0], 'messages', 0, 'content', 0, 'source'),
    ).toEqual({
      type: 'url',
      url,
    })
    const { ask, upstream } = await startHarness(cleanup)
    const { status } = await ask('chat', 'gemini/gemini-2.5-pro', { with: image(url) })
    expect([200, 400]).toContain(status)
    if (status === 200) expect(upstream.seen[0]?.body).toContain(url)
  })

  it('a URL for a fallback that needs bytes: it fails before that target is called', async () => {
    const url = 'https://127.0.0.1/x.png'
    const models = { both: ['messages/m', 'gemini/gemini-2.5-pro'] }
    const { ask, upstream } = await startHarness(cleanup, { media: { fetch: true }, models })
    upstream.script = inTurn(answerIn('messages', 'hello'), answerError(500, 'down'))
    expect((await ask('chat', 'both' as 'a/b', { with: image(url) })).status).toBe(200)
    expect((await ask('chat', 'both' as 'a/b', { with: image(url) })).status).toBe(400)
    expect(upstream.seen).toHaveLength(2)
  })

  it('a base URL in the body of a request', async () => {
    const { expectAccepted, upstream } = await startHarness(cleanup)
    const fields = { api_base: 'http://127.0.0.1:1', base_url: 'http://127.0.0.1:1' }
    await expectAccepted('chat', 'chat/m', fields)
    await expectAccepted('chat', 'messages/m', fields)
    expect(upstream.seen).toHaveLength(2)
  })
})

/** A certificate for this machine, made for the test. Node can sign, but not write one. */
function selfSigned(): { key: string; cert: string } | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'modelmount-'))
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const options = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', names]
  try {
    execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } catch (error) {
    console.warn('HC-140: the good path over https is not tried, since openssl made no certificate:', String(error))
    return undefined
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const signed = selfSigned()

describe.skipIf(!signed)('HC-140: fetching over https', () => {
  let answer: RequestListener = (_req, res) => void res.end()
  let origin = ''
  const server = createServer(signed ?? {}, (req, res) => answer(req, res))
  const fetch = createFetch({ isRefused: () => false, ca: signed?.cert ?? '' })
  const png = Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1')

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `https://localhost:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('puts the bytes into the conversation, and sends none of the caller’s headers', async () => {
    let seen: object = {}
    answer = (req, res) => {
      seen = req.headers
      res.setHeader('content-type', 'image/jpeg').end(png)
    }
    const body = Buffer.from(JSON.stringify({ model: 'm', ...image(`${origin}/x`) }))
    const request = openaiChat.readRequest(body, { id: '', stream: undefined, query: '' })
    const { turns } = await fetchMedia(request, { kinds: new Set(['image']), limits: LIMITS, fetch })
    expect(turns[0]?.blocks[0]).toMatchObject({
      type: 'media',
      source: { type: 'bytes', data: png.toString('base64') },
    })
    expect(Object.keys(seen).sort()).toEqual(['accept', 'connection', 'host'])
  })

  it.each([301, 302, 303, 307, 308])('does not follow a redirect: %d', async (status) => {
    let calls = 0
    answer = (_req, res) => {
      calls++
      res.writeHead(status, { location: `${origin}/elsewhere` }).end()
    }
    await expect(fetch(`${origin}/x`, LIMITS)).rejects.toThrow(`its server answered with status ${status}`)
    expect(calls).toBe(1)
  })

  it('aborts a body above the limit before its end', async () => {
    let sent = 0
    answer = async (_req, res) => {
      while (!res.destroyed && sent < 1000) {
        res.write(Buffer.alloc(1000))
        sent++
        await pause(1)
      }
    }
    await expect(fetch(`${origin}/x`, LIMITS)).rejects.toThrow('it is larger than 1000 bytes')
    expect(sent).toBeLessThan(1000)
  })

  it.each<[string, RequestListener]>([
    ['no response', () => undefined],
    ['a response without an end', (_req, res) => void res.write('x')],
  ])('fails after the timeout: %s', async (_what, slow) => {
    answer = slow
    await expect(fetch(`${origin}/x`, { ...LIMITS, timeoutMs: 100 })).rejects.toThrow('it took too long')
  })

  it('fails for a truncated body, an untrusted certificate and a private address', async () => {
    answer = (_req, res) => void res.writeHead(200, { 'content-length': 50 }).write('x', () => res.destroy())
    await expect(fetch(`${origin}/x`, LIMITS)).rejects.toThrow(/it cannot be reached|aborted/)
    const fetchWithoutCa = createFetch({ isRefused: () => false })
    await expect(fetchWithoutCa(`${origin}/x`, LIMITS)).rejects.toThrow('it cannot be reached')
    const fetchRefusingLoopback = createFetch({
      isRefused: (address) => address === '127.0.0.1',
      ca: signed?.cert ?? '',
    })
    await expect(fetchRefusingLoopback(`${origin}/x`, LIMITS)).rejects.toThrow('it is not at a public address')
  })
})
