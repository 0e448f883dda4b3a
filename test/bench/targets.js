// The relay as targets of the benchmark kit, one per mount.
import { fileURLToPath } from 'node:url'

const relay = fileURLToPath(new URL('./relay.js', import.meta.url))

const target = (name, mount, can, more = {}) => ({
  name,
  kind: 'peer',
  about: `modelmount, mount: ${mount}`,
  can,
  start: ({ port, upstream, failing, keysFile, channels, scenario }) => ({
    cmd: process.execPath,
    args: [relay],
    env: {
      MOUNT: mount,
      PORT: String(port),
      UPSTREAM: `http://127.0.0.1:${upstream}`,
      ...(keysFile && { KEYS_FILE: keysFile }),
      ...(channels && { CHANNELS: String(channels) }),
      SCENARIO: scenario ?? '',
      ...more,
      ...(scenario === 's10' && { FAILING: `http://127.0.0.1:${failing}` }),
    },
  }),
})

export const targets = [
  target('modelmount', 'node', [
    'openai',
    'keys',
    'channels',
    'failover',
    'from-anthropic',
    'to-anthropic',
    'from-gemini',
    'cache',
  ]),
  target('modelmount:counted', 'node', ['openai'], { COUNTED: '1' }),
  target('modelmount:attach', 'attach', ['openai']),
  target('modelmount:express', 'express', ['openai']),
  target('modelmount:koa', 'koa', ['openai']),
]
