import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const CLI = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url))

/** What a command left behind. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A relay in a process of its own. */
export interface Served {
  readonly child: ChildProcess
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly baseURL: string
  stdout(): string
  stderr(): string
  /** Sends the signal, and waits for the process to end. */
  end(signal?: NodeJS.Signals): Promise<Ended>
}

type Environment = Readonly<Record<string, string>>

/** Runs a command to its end. Of our own environment it gets the path only, so that no real key is used. */
export function modelmount(words: readonly string[], environment: Environment = {}): Promise<Ended> {
  return launch(words, environment).ended
}

/** Runs a relay on a free port, and waits for its first line. It does not outlive the test. */
export async function serve(words: readonly string[] = [], environment: Environment = {}): Promise<Served> {
  const { child, told, ended } = launch(['--port', '0', ...words], environment)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const early = ended.then(({ stderr }) => Promise.reject(new Error(`ended before it listened: ${stderr}`)))
  early.catch(() => undefined)
  while (!told.stdout.includes('\n')) await Promise.race([once(child.stdout, 'data'), early])
  const origin = /^listening on (http:\/\/\S+)\/v1$/m.exec(told.stdout)?.[1]
  if (!origin) throw new Error(`no listening line: ${told.stdout}`)
  return {
    child,
    origin,
    baseURL: `${origin}/v1`,
    stdout: () => told.stdout,
    stderr: () => told.stderr,
    end(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** A file in a folder of its own that goes when the test is over. */
export async function writeFileFor(name: string, content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelmount-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, name)
  const plain = typeof content === 'string' || Buffer.isBuffer(content)
  await writeFile(file, plain ? content : JSON.stringify(content, null, 2))
  return file
}

/** `${NAME}`, as it stands in a config file. */
export function variable(name: string): string {
  return `\${${name}}`
}

/** What a key is worth: the status of a request that any caller may make. */
export async function statusOf(baseURL: string, key: string): Promise<number> {
  const { status } = await fetch(`${baseURL}/models`, { headers: { authorization: `Bearer ${key}` } })
  return status
}

/** A chat completion. */
export function ask(baseURL: string, key: string, body: object = {}): Promise<Response> {
  return fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'hi' }], ...body }),
  })
}

function launch(words: readonly string[], environment: Environment) {
  const env = { PATH: process.env.PATH ?? '', ...environment }
  const child = spawn(process.execPath, [CLI, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const told = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    told.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    told.stderr += chunk
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, ...told }))
  return { child, told, ended }
}
