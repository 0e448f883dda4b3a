import type { RelayOptions } from '../../src/index.js'
import { providers } from '../../src/providers/index.js'

export const API_KEY = 'sk-upstream-000000A1'

/** Every provider under its own id, at a scripted upstream, with the path of its default base URL. */
export function allProvidersAt(port: number): RelayOptions['providers'] {
  const entries = [...providers.values()].map(({ id, baseURL = 'http://host/v1' }) => {
    const { pathname } = new URL(baseURL)
    return [id, { apiKey: API_KEY, baseURL: `http://127.0.0.1:${port}${pathname}` }] as const
  })
  return Object.fromEntries(entries)
}
