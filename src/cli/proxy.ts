import type { EnvHttpProxyAgent } from 'undici'
import { CommandError } from './command.js'

/** Without these, a proxy would also get the calls to the demo upstream and to models on this machine. */
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]']

/**
 * Creates a transport that reaches providers through the proxy of `HTTPS_PROXY` or `HTTP_PROXY`, except the hosts of
 * `NO_PROXY`. Returns undefined where the environment names no proxy. As usual, lower-case names win.
 *
 * @throws {CommandError} for an address that is not a proxy's
 */
export async function createProxyTransport(environment: NodeJS.ProcessEnv): Promise<EnvHttpProxyAgent | undefined> {
  const httpProxy = readProxy('HTTP_PROXY', environment)
  const httpsProxy = readProxy('HTTPS_PROXY', environment)
  if (!httpProxy && !httpsProxy) return undefined
  const [{ default: Agent }, { default: Pool }, { default: connect }] = await Promise.all([
    import('undici/lib/dispatcher/env-http-proxy-agent.js'),
    import('undici/lib/dispatcher/pool.js'),
    import('undici/lib/api/api-connect.js'),
  ])
  return new Agent({
    // With explicit values, undici does not read the environment again for each request.
    httpProxy,
    httpsProxy,
    noProxy: unproxiedHosts(environment),
    // Only the whole of undici, of which the relay loads parts, gives its pools the method that opens tunnels.
    clientFactory: (proxy, options) => Object.assign(new Pool(proxy, options), { connect }),
  })
}

/** Returns an empty string for no proxy: undici would look for undefined in the environment. */
function readProxy(name: string, environment: NodeJS.ProcessEnv): string {
  const variable = environment[name.toLowerCase()] === undefined ? name : name.toLowerCase()
  const address = environment[variable] ?? ''
  if (address === '' || (/^https?:\/\//i.test(address) && URL.canParse(address))) return address
  // The address may contain a password.
  throw new CommandError(`${variable}: expected the URL of a proxy, such as http://proxy.example:3128`)
}

function unproxiedHosts(environment: NodeJS.ProcessEnv): string {
  const hosts = environment.no_proxy ?? environment.NO_PROXY ?? ''
  // undici knows the wildcard only where it stands alone.
  return hosts.trim() === '*' ? '*' : [hosts, ...LOCAL_HOSTS].join(',')
}
