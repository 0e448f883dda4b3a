import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as expressAdapter from '../adapters/express.js'
import * as fastifyAdapter from '../adapters/fastify.js'
import * as fetchAdapter from '../adapters/fetch.js'
import * as honoAdapter from '../adapters/hono.js'
import * as koaAdapter from '../adapters/koa.js'
import * as nodeAdapter from '../adapters/node.js'
import * as passthroughAdapter from '../adapters/passthrough.js'
import * as api from '../src/index.js'
import { protocolIds } from '../src/protocols/protocol.js'
import { providers } from '../src/providers/index.js'

const root = resolve(import.meta.dirname, '..')

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

const sources: readonly Source[] = ['src', 'adapters'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(root, folder, name))),
)

function read(file: string): Source {
  const text = readFileSync(file, 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map((match) => match[1] as string)
  const imports = specifiers.map((name) =>
    name.startsWith('.') ? relative(root, resolve(dirname(file), name)).replace(/\.js$/, '.ts') : name,
  )
  return { path: relative(root, file), text, imports }
}

/** The layers, from the top down. A file may import from its own layer and from those below. */
const layers: readonly (readonly string[])[] = [
  ['src/cli.ts', 'src/cli/', 'src/demo/'],
  ['adapters/'],
  ['src/index.ts'],
  ['src/relay.ts'],
  ['src/operations/'],
  ['src/services.ts', 'src/requests/responses.ts'],
  ['src/policies/', 'src/options.ts'],
  ['src/upstream/'],
  ['src/plugins.ts'],
  ['src/catalog/', 'src/requests/'],
  ['src/call.ts'],
  ['src/caller.ts', 'src/targets.ts', 'src/endpoints.ts', 'src/config/'],
  ['src/providers/'],
  ['src/protocols/'],
  ['src/chat/'],
  ['src/errors.ts', 'src/http.ts', 'src/version.ts'],
  ['src/stores/'],
  ['src/lib/'],
]

function layerOf(path: string): number {
  const layer = layers.findIndex((members) =>
    members.some((member) => path === member || (member.endsWith('/') && path.startsWith(member))),
  )
  expect(layer, `${path} has no layer`).toBeGreaterThanOrEqual(0)
  return layer
}

/** Import cycles: the strongly connected components with more than one file (Tarjan's algorithm). */
function importCyclesIn(files: readonly Source[]): string[][] {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]))
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const cycles: string[][] = []
  const visit = (path: string): number => {
    const at = order.size
    order.set(path, at)
    lowest.set(path, at)
    open.push(path)
    for (const name of importsOf.get(path) ?? []) {
      if (!importsOf.has(name)) continue
      const reached = order.has(name) ? (open.includes(name) ? order.get(name) : undefined) : visit(name)
      lowest.set(path, Math.min(lowest.get(path) ?? at, reached ?? at))
    }
    const low = lowest.get(path) ?? at
    if (low === at) {
      const cycle = open.splice(open.indexOf(path))
      if (cycle.length > 1) cycles.push(cycle.sort())
    }
    return low
  }
  for (const { path } of files) if (!order.has(path)) visit(path)
  return cycles
}

describe('the architecture', () => {
  it('lets a file import only from its own layer and lower ones', () => {
    const breaches = sources.flatMap(({ path, imports }) =>
      imports
        .filter((name) => name.startsWith('src/') && layerOf(name) < layerOf(path))
        .map((name) => `${path} → ${name}`),
    )
    expect(breaches).toEqual([])
  })

  it('has no import cycles, type imports included', () => {
    expect(importCyclesIn(sources)).toEqual([])
  })

  it('finds every import cycle in a graph', () => {
    const file = (path: string, ...imports: string[]): Source => ({ path, text: '', imports })
    expect(importCyclesIn([file('a', 'b'), file('b', 'c'), file('c', 'b'), file('d', 'a', 'c')])).toEqual([['b', 'c']])
  })

  it('has at most 25 files directly in a folder', () => {
    const counts = new Map<string, number>()
    for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
    expect([...counts].filter(([, count]) => count > 25)).toEqual([])
  })

  describe('docs/internals/architecture.md', () => {
    const page = readFileSync(join(root, 'docs/internals/architecture.md'), 'utf8')
    const listedBelow = (heading: string): string[] => {
      const [, section = ''] = page.split(`### ${heading}\n`)
      const [own = ''] = section.split(/^##/m)
      return [...own.matchAll(/^\d+\. `([^`]+)`: /gm)].map(([, path = '']) => path)
    }
    const plain = listedBelow('A plain chat completion')
    const translated = [...plain, ...listedBelow('A translated stream')]

    it('lists at most 12 files for a plain call and 18 for a translated one', () => {
      expect(plain.length).toBeGreaterThan(5)
      expect(plain.length).toBeLessThanOrEqual(12)
      expect(translated.length).toBeGreaterThan(plain.length)
      expect(translated.length).toBeLessThanOrEqual(18)
    })

    it('lists only files that others on the path, the registries or the services import', () => {
      const unreached = translated.filter((path, at) => {
        const importers = sources.filter(({ imports }) => imports.includes(path)).map((source) => source.path)
        return at > 0 && !importers.some((name) => /(index|services)\.ts$/.test(name) || translated.indexOf(name) >= 0)
      })
      expect(unreached).toEqual([])
      expect(translated.filter((path) => !sources.some((source) => source.path === path))).toEqual([])
    })
  })

  it('lets adapters import only the public API', () => {
    const breaches = sources
      .filter(({ path }) => path.startsWith('adapters/'))
      .flatMap(({ path, imports }) =>
        imports.filter((name) => name.startsWith('src/') && name !== 'src/index.ts').map((name) => `${path} → ${name}`),
      )
    expect(breaches).toEqual([])
  })

  it.each([
    ['undici', ['src/cli/proxy.ts', 'src/undici-parts.d.ts', 'src/upstream/connection/upstream-connection.ts']],
    ['p-retry', ['src/policies/failover/failover.ts']],
    ['bottleneck', ['src/upstream/connection/bottleneck-light.d.ts', 'src/upstream/connection/pacing.ts']],
    ['eventsource-parser', ['src/lib/sse.ts']],
    ['lru-cache', ['src/stores/memory/bounded-map.ts']],
    ['@pydantic/genai-prices', ['src/catalog/catalogue.ts']],
    ['http-proxy-3', ['adapters/passthrough.ts', 'adapters/websocket/upstream-handshake.ts']],
    ['ws', ['adapters/websocket/responses-socket.ts']],
    ['zod', ['src/config/']],
  ])('uses %s in one place', (name, places) => {
    const users = sources.filter(({ imports }) => imports.some((used) => used === name || used.startsWith(`${name}/`)))
    const used = users.map(
      ({ path }) => places.find((place) => path === place || (place.endsWith('/') && path.startsWith(place))) ?? path,
    )
    expect([...new Set(used)].sort()).toEqual([...places].sort())
  })

  it('imports no database driver: hosts pass their own, and the command line loads it by name', () => {
    const drivers = ['ioredis', 'redis', 'pg', 'libsql', 'better-sqlite3', 'node:sqlite']
    const breaches = sources.flatMap(({ path, imports }) =>
      imports.filter((name) => drivers.includes(name)).map((name) => `${path} → ${name}`),
    )
    expect(breaches).toEqual([])
  })

  it('has exactly the listed dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object }
    expect(Object.keys(dependencies)).toEqual([
      '@pydantic/genai-prices',
      'bottleneck',
      'eventsource-parser',
      'lru-cache',
      'p-retry',
    ])
  })

  it('lets one registry import each provider and each protocol', () => {
    const isProvider = (path: string): boolean => /^src\/providers\/\w+\//.test(path)
    const isProtocol = (path: string): boolean => protocolIds.some((id) => path.startsWith(`src/protocols/${id}/`))
    // A session over a WebSocket speaks one protocol only.
    const importers = sources.filter(({ path }) => !path.startsWith('src/operations/sockets/'))
    const breaches = importers.flatMap(({ path, imports }) =>
      imports
        .filter((name) => isProvider(name) || isProtocol(name))
        .filter((name) => !path.startsWith(name.split('/', 2).join('/')))
        .map((name) => `${path} → ${name}`),
    )
    expect(breaches).toEqual([])
    const unregistered = sources.filter(
      ({ path }) => isProvider(path) && !sources.some(({ imports }) => imports.includes(path)),
    )
    expect(unregistered).toEqual([])
  })

  it('names no provider and no protocol in shared code', () => {
    const names = [...providers.keys(), ...protocolIds].map((name) => `'${name}'`)
    const own = ['src/providers/', 'src/protocols/', 'src/endpoints.ts', 'src/cli.ts', 'src/cli/', 'src/demo/']
    const breaches = sources
      .filter(({ path }) => !own.some((prefix) => path.startsWith(prefix)))
      .flatMap(({ path, text }) => names.filter((name) => text.includes(name)).map((name) => `${path} names ${name}`))
    expect(breaches).toEqual([])
  })

  it('uses no socket, clock, randomness or environment in protocols', () => {
    const impure = /node:|Date\.now|performance|Math\.random|process\.|setTimeout|randomUUID/
    expect(
      sources
        .filter(({ path, text }) => path.startsWith('src/protocols/') && impure.test(text))
        .map(({ path }) => path),
    ).toEqual([])
  })

  it('has no file longer than 400 lines, and a median below 110', () => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    expect(lengths.filter(({ lines }) => lines > 400)).toEqual([])
    const sorted = lengths.map(({ lines }) => lines).sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(110)
    expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(250)
  })

  it('never ends the host process, and never disables type checks', () => {
    const forbidden = /process\.exit\(|: any\b|as any\b|@ts-(ignore|expect-error|nocheck)|biome-ignore/
    const breaches = sources.filter(({ path, text }) => !path.startsWith('src/cli') && forbidden.test(text))
    expect(breaches.map(({ path }) => path)).toEqual([])
  })

  it('exports the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(api.version).toBe(version)
  })

  it('exports exactly the documented names', () => {
    expect(Object.keys(api).sort()).toEqual([
      'ClientConnection',
      'ConfigError',
      'Departure',
      'RelayError',
      'answerUnknownPath',
      'configJsonSchema',
      'createRelay',
      'readConfig',
      'tooLarge',
      'version',
    ])
    expect(Object.keys(nodeAdapter).sort()).toEqual(['attachRelay', 'handleNode', 'nodeRelay', 'upgradeRelay'])
    expect(Object.keys(fetchAdapter).sort()).toEqual(['fetchRelay', 'handleFetch'])
    const adapters = [expressAdapter, koaAdapter, fastifyAdapter, honoAdapter, passthroughAdapter]
    expect(adapters.flatMap((adapter) => Object.keys(adapter))).toEqual([
      'expressRelay',
      'koaRelay',
      'fastifyRelay',
      'honoRelay',
      'passthroughRelay',
    ])
  })
})
