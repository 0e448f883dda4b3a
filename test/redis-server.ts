import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './free-port.js'

const BINARY = 'redis-server'
const READY_MS = 10_000

/** A real Redis on the loopback. It keeps nothing when it stops, and may be started again on the same port. */
export class RedisServer {
  readonly #folder = mkdtempSync(join(tmpdir(), 'modelmount-redis-'))
  readonly #kill = (): void => void this.#child?.kill('SIGKILL')
  #child: ChildProcess | undefined
  #port = 0

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    this.#port ||= await freePort()
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', this.#folder]
    this.#child = spawn(BINARY, ['--port', String(this.#port), ...settings], { stdio: 'ignore' })
    process.on('exit', this.#kill)
    await listening(this.#port)
  }

  /** As by a crash. */
  async stop(): Promise<void> {
    const child = this.#child
    process.off('exit', this.#kill)
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    this.#kill()
    await once(child, 'exit')
  }

  async remove(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Tests with their own Redis server. Without `redis-server` they are skipped, or fail in CI. */
export function describeWithRedis(name: string, body: (server: RedisServer) => void): void {
  if (spawnSync(BINARY, ['--version']).status !== 0) return describeMissing(name)
  describe(name, () => {
    const server = new RedisServer()
    beforeAll(() => server.start())
    afterAll(() => server.remove())
    body(server)
  })
}

function describeMissing(name: string): void {
  const reason = `${BINARY} is not installed`
  if (process.env.CI) return void it(name, () => expect.fail(reason))
  console.log(`Skipped: ${name}: ${reason}`)
  it.skip(`${name}: ${reason}`, () => {})
}

async function listening(port: number): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!(await accepts(port))) {
    if (performance.now() > deadline) throw new Error(`${BINARY} did not start`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
