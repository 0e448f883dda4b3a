import { lookup } from 'node:dns'
import { get } from 'node:https'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { addressMatcher } from '../../lib/addresses.js'

/**
 * Whether an address is not public: loopback, private networks, link-local with its metadata services, and other special
 * ranges. An IPv4 address within IPv6 (`::ffff:…`) counts as IPv4.
 */
export const isPrivate: (address: string) => boolean = addressMatcher([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
])

export interface RemoteLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

export interface RemoteFile {
  readonly bytes: Buffer
  readonly contentType: string
}

/** Fetches a URL that a caller gave. Rejects with a reason that the caller may see: it names no address. */
export type FetchRemote = (url: string, limits: RemoteLimits) => Promise<RemoteFile>

/**
 * Fetches over https from public addresses only. It checks the address that it connects to, so DNS rebinding gains
 * nothing. It does not follow redirects.
 */
export const fetchRemote: FetchRemote = createFetch({ isRefused: isPrivate })

interface FetchOptions {
  readonly isRefused: (address: string) => boolean
  /** Certificate to trust besides the system's. */
  readonly ca?: string
}

/** Creates the same with another rule for refused addresses. */
export function createFetch(options: FetchOptions): FetchRemote {
  return (url, limits) =>
    new Promise((resolve, reject) => fetchOne(url, { ...options, ...limits }, { resolve, reject }))
}

interface FetchCallbacks {
  readonly resolve: (file: RemoteFile) => void
  readonly reject: (error: Error) => void
}

function fetchOne(url: string, options: FetchOptions & RemoteLimits, { resolve, reject }: FetchCallbacks): void {
  const { maxBytes, timeoutMs, isRefused, ca } = options
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target?.protocol !== 'https:') return reject(new Error('only https: URLs are fetched'))
  const host = target.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && isRefused(host)) return reject(new Error(REFUSED))
  const signal = AbortSignal.timeout(timeoutMs)
  const request = get(target, { lookup: createLookup(isRefused), signal, agent: false, ca, headers: { accept: '*/*' } })
  request.on('error', (error) => reject(new Error(callerReason(error, signal))))
  request.on('response', (response) => {
    const { statusCode = 0, headers } = response
    if (statusCode !== 200) {
      response.destroy()
      return reject(new Error(`its server answered with status ${statusCode}`))
    }
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > maxBytes) response.destroy(new Error(`it is larger than ${maxBytes} bytes`))
    })
    response.on('error', (error) => reject(new Error(callerReason(error, signal))))
    response.on('end', () =>
      resolve({ bytes: Buffer.concat(chunks), contentType: String(headers['content-type'] ?? '') }),
    )
  })
}

const REFUSED = 'it is not at a public address'

/** Resolves a name, and fails if any of its addresses is refused. */
function createLookup(isRefused: FetchOptions['isRefused']): LookupFunction {
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      if (addresses.some(({ address }) => isRefused(address))) return callback(new Error(REFUSED), [])
      const [first] = addresses
      if (options.all || !first) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}

/** The reason that a caller may see: a system error's text would name the address. */
function callerReason(error: Error, signal: AbortSignal): string {
  if (signal.aborted) return 'it took too long'
  return 'code' in error ? 'it cannot be reached' : error.message
}
