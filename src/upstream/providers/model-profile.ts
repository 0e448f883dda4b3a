import { protocolOf } from '../../protocols/index.js'
import type { ProtocolId } from '../../protocols/protocol.js'
import type { DeclaredProfile, Provider } from '../../providers/provider.js'
import type { ModelProfile } from '../../targets.js'

/** What the config says about it. */
interface ProfileOptions {
  /** Protocols that the provider speaks, in place of those it is known for. */
  readonly speaks?: readonly ProtocolId[] | undefined
  readonly apiVersion?: string | undefined
}

/** Creates the function that gives the profile of each model of a provider. */
export function createProfileFor(
  provider: Provider,
  { speaks: configured, apiVersion }: ProfileOptions,
): (model: string) => ModelProfile {
  return (model) => {
    const ownProfile = provider.profileFor?.(model, apiVersion) ?? {}
    const speaks = ownProfile.speaks?.filter((id) => configured?.includes(id) ?? true)
    // The config allows none of the model's own protocols: use the provider's profile.
    if (speaks?.length === 0) return resolveProfile({ ...provider, speaks: configured ?? provider.speaks }, model)
    return resolveProfile({ ...provider, ...ownProfile, speaks: speaks ?? configured ?? provider.speaks }, model)
  }
}

function resolveProfile(
  { speaks, countsTokens = true, dialect, requestFormat }: DeclaredProfile,
  model: string,
): ModelProfile {
  return { speaks: speaks.map((id) => protocolOf(id)), countsTokens, dialect: dialect?.(model) ?? {}, requestFormat }
}
