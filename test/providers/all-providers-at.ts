import type { RelayOptions } from '../../src/index.js'
import { providers } from '../../src/providers/index.js'

export const API_KEY = 'sk-upstream-000000A1'

/** Every provider that has an address, under its own id, at a scripted upstream: its path is the default one's. */
export function allProvidersAt(port: number): RelayOptions['providers'] {
  const places = [...providers.values()].map(({ id, baseURL = 'http://host/v1' }) => {
    const { pathname } = new URL(baseURL)
    return [id, { apiKey: API_KEY, baseURL: `http://127.0.0.1:${port}${pathname}` }] as const
  })
  return Object.fromEntries(places)
}
