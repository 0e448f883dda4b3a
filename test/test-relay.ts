import { createRelay, type Relay, type RelayOptions } from '../src/index.js'

/** The key of the default caller. */
export const KEY = 'sk-caller-00000001'

/** A relay with the tests' key, silent, quick to try again; `more` is laid over that. */
export function testRelay(more: Partial<RelayOptions> & Pick<RelayOptions, 'providers'>): Relay {
  return createRelay({
    keys: [{ id: 'alice', key: KEY }],
    retry: { minDelayMs: 10, maxDelayMs: 1000 },
    logger: false,
    ...more,
  })
}

/** A relay with one model, `m`, at one upstream. */
export function relayTo(upstream: { readonly baseURL: string }, more: Partial<RelayOptions> = {}): Relay {
  return testRelay({ providers: { up: providerAt(upstream) }, models: { m: 'up/real' }, shutdownMs: 0, ...more })
}

/** An upstream as a provider: any OpenAI-compatible server. */
export function providerAt(
  { baseURL }: { readonly baseURL: string },
  more: Partial<RelayOptions['providers'][string]> = {},
): RelayOptions['providers'][string] {
  return { type: 'openai-compatible', baseURL, ...more }
}
