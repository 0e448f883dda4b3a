import { lookup } from 'node:dns'
import { get } from 'node:https'
import type { LookupFunction } from 'node:net'
import { isIP } from 'node:net'
import { addressMatcher } from '../../lib/addresses.js'

/**
 * Addresses that are not the public's: own machine, own network, link-local with its metadata services, and the like.
 * An IPv4 address within IPv6 (`::ffff:…`) is judged as what it is.
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

/** How much may be fetched, and how long it may take. */
export interface RemoteLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** What was fetched. */
export interface Remote {
  readonly bytes: Buffer
  readonly contentType: string
}

/** Fetches what a caller named. Rejects with a reason that may be told: it names no address. */
export type FetchRemote = (url: string, limits: RemoteLimits) => Promise<Remote>

/**
 * Fetches over https from public addresses only. The address that is checked is the one that is connected to, so that a
 * name which changes its mind in between gains nothing; redirects are not followed.
 */
export const fetchRemote: FetchRemote = fetcher({ isRefused: isPrivate })

interface Fetching {
  readonly isRefused: (address: string) => boolean
  /** Certificates to trust beside the usual. */
  readonly ca?: string
}

/** The same with other addresses refused, for a network of one's own. */
export function fetcher(fetching: Fetching): FetchRemote {
  return (url, limits) =>
    new Promise((resolve, reject) => fetchOne(url, { ...fetching, ...limits }, { resolve, reject }))
}

interface Ends {
  readonly resolve: (remote: Remote) => void
  readonly reject: (error: Error) => void
}

function fetchOne(url: string, fetching: Fetching & RemoteLimits, { resolve, reject }: Ends): void {
  const { maxBytes, timeoutMs, isRefused, ca } = fetching

  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target?.protocol !== 'https:') return reject(new Error('only https: addresses are fetched'))
  const host = target.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) && isRefused(host)) return reject(new Error(REFUSED))
  const signal = AbortSignal.timeout(timeoutMs)
  const request = get(target, { lookup: lookupBut(isRefused), signal, agent: false, ca, headers: { accept: '*/*' } })
  request.on('error', (error) => reject(new Error(told(error, signal))))
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
    response.on('error', (error) => reject(new Error(told(error, signal))))
    response.on('end', () =>
      resolve({ bytes: Buffer.concat(chunks), contentType: String(headers['content-type'] ?? '') }),
    )
  })
}

const REFUSED = 'it does not lie at a public address'

/** Resolves a name, and refuses it if any of its addresses is refused. */
function lookupBut(isRefused: Fetching['isRefused']): LookupFunction {
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      if (addresses.some(({ address }) => isRefused(address))) return callback(new Error(REFUSED), [])
      const [first] = addresses
      if (options.all || !first) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}

/** Of a failure as much as a caller may know: a system error's text would name the address. */
function told(error: Error, signal: AbortSignal): string {
  if (signal.aborted) return 'it took too long'
  return 'code' in error ? 'it cannot be reached' : error.message
}
