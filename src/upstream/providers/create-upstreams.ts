import type { Config } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import { protocolOf } from '../../protocols/index.js'
import { providers } from '../../providers/index.js'
import type { Provider } from '../../providers/provider.js'
import type { Credential, Upstream } from '../../targets.js'
import { userAgent } from '../../version.js'
import { parseBaseUrl } from '../connection/base-url.js'
import { createProfileFor } from './model-profile.js'

type ProviderConfig = Config['providers'][string]

/** The configured providers, ready to be sent to. @throws {ConfigError} for an unknown type, a missing key or address */
export function createUpstreams(config: Config, environment: NodeJS.ProcessEnv): ReadonlyMap<string, Upstream> {
  const faults: ConfigFault[] = []
  const upstreams = new Map<string, Upstream>()
  for (const [id, given] of Object.entries(config.providers)) {
    const path = `providers.${id}`
    const provider = providers.get(given.type ?? id)
    if (!provider) {
      faults.push({ path: `${path}.type`, message: `is needed: one of ${[...providers.keys()].join(', ')}` })
      continue
    }
    const apiKeys = keysOf(given, provider, environment)
    const baseURLs = listOf(given.baseURL ?? provider.baseURL)
    if (baseURLs.length === 0) faults.push({ path: `${path}.baseURL`, message: 'is needed for this type' })
    if (apiKeys?.some((apiKey) => apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))) {
      faults.push({
        path: `${path}.apiKey`,
        message: 'holds a space, a line end or another character that no header takes',
      })
    }
    if (!apiKeys)
      faults.push({ path: `${path}.apiKey`, message: `is not given, and ${provider.keyVariable} is not set` })
    if (given.apiVersion !== undefined && !provider.hasApiVersions)
      faults.push({ path: `${path}.apiVersion`, message: 'has no meaning for this type' })
    const speaks = (given.speaks ?? provider.speaks).map((name) => protocolOf(name))
    upstreams.set(id, {
      id,
      provider,
      speaks,
      profileFor: createProfileFor(provider, given),
      credentials: (apiKeys ?? []).map((apiKey, index) => credential(`${id}#${index}`, provider, apiKey)),
      baseUrls: baseURLs.map((baseURL) => parseBaseUrl(baseURL, provider, speaks, given.timeouts.connectMs)),
      timeouts: given.timeouts,
      pace: given.pace,
      refreshModelsMs: given.refreshModelsMs,
      picks: 0,
    })
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return upstreams
}

/** The configured keys, else the environment's. Undefined where one is needed and missing. */
function keysOf(
  given: ProviderConfig,
  { keyVariable }: Provider,
  environment: NodeJS.ProcessEnv,
): (string | undefined)[] | undefined {
  if (given.apiKey !== undefined) return listOf(given.apiKey)
  if (keyVariable === undefined) return [undefined]
  const fromEnvironment = environment[keyVariable]
  return fromEnvironment ? [fromEnvironment] : undefined
}

function credential(name: string, provider: Provider, apiKey: string | undefined): Credential {
  const common = ['content-type', 'application/json', 'accept-encoding', 'identity', 'user-agent', userAgent]
  return { name, headers: apiKey === undefined ? common : [...common, ...provider.sign(apiKey)] }
}

function listOf<Item>(value: Item | Item[] | undefined): Item[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
