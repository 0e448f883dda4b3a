import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './free-port.js'
import { openDatabase } from './stores/drivers.js'

const DEBIAN = '/usr/lib/postgresql'
const READY_MS = 20_000

/** A real PostgreSQL server on the loopback, in its own temporary folder. */
export class PostgresServer {
  readonly #binaries: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'modelmount-postgres-'))
  readonly #owner = ownerOf(this.#folder)
  readonly #kill = (): void => void this.#child?.kill('SIGKILL')
  #child: ChildProcess | undefined
  #port = 0

  constructor(binaries: string) {
    this.#binaries = binaries
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`
  }

  async start(): Promise<void> {
    const data = join(this.#folder, 'data')
    if (!existsSync(data)) {
      const settings = ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8']
      execFileSync(join(this.#binaries, 'initdb'), settings, { ...this.#owner, stdio: 'ignore' })
    }
    this.#port ||= await freePort()
    const settings = ['-h', '127.0.0.1', '-p', String(this.#port), '-k', this.#folder, '-c', 'fsync=off']
    const options: SpawnOptions = { ...this.#owner, stdio: 'ignore' }
    this.#child = spawn(join(this.#binaries, 'postgres'), ['-D', data, ...settings], options)
    process.on('exit', this.#kill)
    await answering(this.url)
  }

  /** At once, connections and all. */
  async stop(): Promise<void> {
    const child = this.#child
    process.off('exit', this.#kill)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGQUIT')
    await once(child, 'exit')
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Tests with their own PostgreSQL server. Without `postgres` they are skipped, or fail in CI. */
export function describeWithPostgres(name: string, body: (server: PostgresServer) => void): void {
  const binaries = findBinaries()
  if (!binaries) return describeMissing(name)
  describe(name, () => {
    const server = new PostgresServer(binaries)
    beforeAll(() => server.start(), 2 * READY_MS)
    afterAll(() => server.remove())
    body(server)
  })
}

function describeMissing(name: string): void {
  const reason = 'postgres is not installed'
  if (process.env.CI) return void it(name, () => expect.fail(reason))
  console.log(`Skipped: ${name}: ${reason}`)
  it.skip(`${name}: ${reason}`, () => {})
}

/** Debian keeps them off the PATH, a folder for each version. */
function findBinaries(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  const newestFirst = versions.sort((one, other) => Number(other) - Number(one))
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const folders = [...newestFirst.map((version) => join(DEBIAN, version, 'bin')), ...onPath]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** PostgreSQL will not run as root: then somebody else runs it, who must have the folder. */
function ownerOf(folder: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const user = ['postgres:', 'nobody:'].map((name) => users.find((line) => line.startsWith(name))).find(Boolean)
  const [, , uid, gid] = (user ?? '').split(':')
  if (!uid || !gid) throw new Error('No user to run PostgreSQL as: neither postgres nor nobody')
  chownSync(folder, Number(uid), Number(gid))
  return { uid: Number(uid), gid: Number(gid) }
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!(await answers(url))) {
    if (performance.now() > deadline) throw new Error('postgres did not start')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function answers(url: string): Promise<boolean> {
  const { database, close } = openDatabase({ kind: 'postgres', at: url })
  try {
    await ('query' in database && database.query('SELECT 1'))
    return true
  } catch {
    return false
  } finally {
    await close()
  }
}
