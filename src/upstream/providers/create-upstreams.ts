import type { Config } from '../../config/config.js'
import { ConfigError, type ConfigFault } from '../../config/config-error.js'
import { protocolOf } from '../../protocols/index.js'
import { providers } from '../../providers/index.js'
import type { Provider } from '../../providers/provider.js'
import type { Credential, Upstream } from '../../targets.js'
import { parseBaseUrl } from '../connection/base-url.js'
import { commonHeaders } from '../connection/headers.js'
import { createProfileFor } from './model-profile.js'

type ProviderConfig = Config['providers'][string]

/** Creates the upstreams of a config. @throws {ConfigError} for an unknown type, and for a missing key or base URL */
export function createUpstreams(config: Config, environment: NodeJS.ProcessEnv): ReadonlyMap<string, Upstream> {
  const faults: ConfigFault[] = []
  const upstreams = new Map<string, Upstream>()
  for (const [id, options] of Object.entries(config.providers)) {
    const path = `providers.${id}`
    const provider = providers.get(options.type ?? id)
    if (!provider) {
      faults.push({ path: `${path}.type`, message: `is required: one of ${[...providers.keys()].join(', ')}` })
      continue
    }
    const apiKeys = keysOf(options, provider, environment)
    const baseURLs = listOf(options.baseURL ?? provider.baseURL)
    if (baseURLs.length === 0) faults.push({ path: `${path}.baseURL`, message: 'is required for this type' })
    if (apiKeys?.some((apiKey) => apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey))) {
      faults.push({
        path: `${path}.apiKey`,
        message: 'contains a space, a line end or another character that a header cannot hold',
      })
    }
    if (!apiKeys)
      faults.push({
        path: `${path}.apiKey`,
        message: `is missing, and ${provider.keyVariable} is not set in the environment`,
      })
    if (options.apiVersion !== undefined && !provider.hasApiVersions)
      faults.push({ path: `${path}.apiVersion`, message: 'is not supported by this type' })
    const speaks = (options.speaks ?? provider.speaks).map((name) => protocolOf(name))
    upstreams.set(id, {
      id,
      provider,
      speaks,
      profileFor: createProfileFor(provider, options),
      credentials: (apiKeys ?? []).map((apiKey, index) => createCredential(`${id}#${index}`, provider, apiKey)),
      baseUrls: baseURLs.map((baseURL) => parseBaseUrl(baseURL, provider, speaks, options.timeouts.connectMs)),
      timeouts: options.timeouts,
      pace: options.pace,
      refreshModelsMs: options.refreshModelsMs,
      picks: 0,
    })
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return upstreams
}

/** The keys of the config, else of the environment. Undefined where a required key is missing. */
function keysOf(
  options: ProviderConfig,
  { keyVariable }: Provider,
  environment: NodeJS.ProcessEnv,
): (string | undefined)[] | undefined {
  if (options.apiKey !== undefined) return listOf(options.apiKey)
  if (keyVariable === undefined) return [undefined]
  const fromEnvironment = environment[keyVariable]
  return fromEnvironment ? [fromEnvironment] : undefined
}

function createCredential(name: string, provider: Provider, apiKey: string | undefined): Credential {
  return { name, headers: [...commonHeaders, ...(apiKey === undefined ? [] : provider.sign(apiKey))] }
}

function listOf<Item>(value: Item | Item[] | undefined): Item[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
