import { protocolOf } from '../../protocols/index.js'
import type { ProtocolId } from '../../protocols/protocol.js'
import type { DeclaredProfile, Provider } from '../../providers/provider.js'
import type { ModelProfile } from '../../targets.js'

/** What a config may say of it. */
interface Given {
  /** Languages that are taken untranslated, in place of those the provider is known for. */
  readonly speaks?: readonly ProtocolId[] | undefined
  readonly apiVersion?: string | undefined
}

/** How each model of a provider is spoken to. */
export function createProfileFor(
  provider: Provider,
  { speaks: wanted, apiVersion }: Given,
): (model: string) => ModelProfile {
  return (model) => {
    const apart = provider.profileFor?.(model, apiVersion) ?? {}
    const speaks = apart.speaks?.filter((id) => wanted?.includes(id) ?? true)
    // None of a model's own languages is wanted: it is spoken to like the rest.
    if (speaks?.length === 0) return spoken({ ...provider, speaks: wanted ?? provider.speaks }, model)
    return spoken({ ...provider, ...apart, speaks: speaks ?? wanted ?? provider.speaks }, model)
  }
}

function spoken({ speaks, countsTokens = true, dialect, requestFormat }: DeclaredProfile, model: string): ModelProfile {
  return { speaks: speaks.map((id) => protocolOf(id)), countsTokens, dialect: dialect?.(model) ?? {}, requestFormat }
}
