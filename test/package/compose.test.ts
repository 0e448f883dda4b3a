import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/index.js'
import { writeFileFor } from '../command-line.js'

const root: URL = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

interface Service {
  readonly image?: string
  readonly environment: Readonly<Record<string, string>>
  readonly volumes: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly read_only?: boolean
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const text = read('compose.yaml')
const { services, networks, volumes } = parse(text) as Compose
const names = Object.keys(services)

/** The variables that a user must set. */
const REQUIRED = ['OPENAI_API_KEY', 'MODELMOUNT_KEY', 'REDIS_PASSWORD', 'POSTGRES_PASSWORD']

describe('compose.yaml', () => {
  it('has the relay with Redis and PostgreSQL', () => {
    expect(names.sort()).toEqual(['postgres', 'redis', 'relay'])
  })

  it.each(names)('runs %s read-only and without new privileges', (name) => {
    expect(services[name]?.read_only).toBe(true)
    expect(services[name]?.security_opt).toEqual(['no-new-privileges:true'])
  })

  it('starts the relay after all stores are healthy', () => {
    const stores = names.filter((name) => name !== 'relay')
    expect(Object.keys(services.relay?.depends_on ?? {}).sort()).toEqual(stores)
    for (const name of stores) {
      expect(services.relay?.depends_on?.[name]).toEqual({ condition: 'service_healthy' })
      expect(services[name]?.healthcheck?.test.length).toBeGreaterThan(1)
    }
  })

  it('names only networks, volumes and files that exist', () => {
    const used = Object.values(services).flatMap((service) => service.networks)
    expect([...new Set(used)].sort()).toEqual(Object.keys(networks).sort())
    for (const [source = ''] of Object.values(services).flatMap((service) =>
      service.volumes.map((one) => one.split(':')),
    )) {
      expect([source, source.startsWith('.') ? existsSync(new URL(source, root)) : source in volumes]).toEqual([
        source,
        true,
      ])
    }
  })

  it('offers only the relay, to this machine, and gives stores no way out', () => {
    expect(names.filter((name) => services[name]?.ports)).toEqual(['relay'])
    for (const port of services.relay?.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/)
    expect(networks.stores?.internal).toBe(true)
    for (const name of ['redis', 'postgres']) expect(services[name]?.networks).toEqual(['stores'])
  })

  it('takes every secret from the environment, and fails without it', () => {
    const variables = [...text.matchAll(/(?<!\$)\$\{(\w+)([^}]*)\}/g)]
    for (const [whole, , rule = ''] of variables) expect([whole, rule.startsWith(':?')]).toEqual([whole, true])
    expect(new Set(variables.map(([, name]) => name))).toEqual(new Set(REQUIRED))
    for (const { environment } of Object.values(services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/KEY|PASSWORD|AUTH|URL/.test(name)) expect([name, value]).toEqual([name, expect.stringContaining(':?')])
      }
    }
  })

  it('lets running calls finish', () => {
    const { shutdownMs } = readConfig({ providers: { openai: {} } })
    expect(Number.parseInt(services.relay?.stop_grace_period ?? '', 10) * 1000).toBeGreaterThan(shutdownMs)
  })

  it('gives the relay a config that is valid with its environment', () => {
    const environment = services.relay?.environment ?? {}
    const config = read('examples/relay.json').replace(/\$\{(\w+)\}/g, (_, name: string) => {
      expect(environment).toHaveProperty(name)
      return (environment[name] ?? '').replace(/\$\{(\w+)[^}]*\}/g, 'secretword')
    })
    const { store } = readConfig(JSON.parse(config))
    expect(store).toMatchObject({
      redis: 'redis://:secretword@redis:6379',
      sql: 'postgres://relay:secretword@postgres:5432/relay',
    })
  })

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0

  it.skipIf(!hasCompose)('is valid for docker compose', async () => {
    const file = await writeFileFor('.env', REQUIRED.map((name) => `${name}=secretword\n`).join(''))
    execFileSync('docker', ['compose', '--env-file', file, 'config', '--quiet'], { cwd: root })
  })
})
