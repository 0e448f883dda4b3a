import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const CLI = fileURLToPath(new URL('../dist/src/cli.js', import.meta.url))

/** The result of a command that has ended. */
export interface CommandResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A relay in its own process. */
export interface ServedRelay {
  readonly child: ChildProcess
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly baseURL: string
  stdout(): string
  stderr(): string
  /** Sends the signal, and waits for the process to end. */
  end(signal?: NodeJS.Signals): Promise<CommandResult>
}

type Environment = Readonly<Record<string, string>>

/** Runs a command to its end. It gets only PATH from the environment, so that it uses no real key. */
export function modelmount(args: readonly string[], environment: Environment = {}): Promise<CommandResult> {
  return launch(args, environment).ended
}

/**
 * Runs a relay until the end of the test, on a free port unless the arguments or the environment name one. Resolves when
 * it has printed its first line.
 */
export async function serve(args: readonly string[] = [], environment: Environment = {}): Promise<ServedRelay> {
  const { child, told: output, ended } = launch(args, { PORT: '0', ...environment })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const endedEarly = ended.then(({ stderr }) => Promise.reject(new Error(`ended before it listened: ${stderr}`)))
  endedEarly.catch(() => undefined)
  while (!output.stdout.includes('\n')) await Promise.race([once(child.stdout, 'data'), endedEarly])
  const origin = /^listening on (http:\/\/\S+)\/v1$/m.exec(output.stdout)?.[1]
  if (!origin) throw new Error(`no listening line: ${output.stdout}`)
  return {
    child,
    origin,
    baseURL: `${origin}/v1`,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    end(signal = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}

/** Writes a file in a new folder, which is removed at the end of the test. */
export async function writeFileFor(name: string, content: unknown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelmount-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, name)
  const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
  await writeFile(file, isRaw ? content : JSON.stringify(content, null, 2))
  return file
}

/** `${NAME}`, as a config file has it. */
export function variable(name: string): string {
  return `\${${name}}`
}

/** The status of a request that every caller may make. It shows whether the key is valid. */
export async function statusOf(baseURL: string, key: string): Promise<number> {
  const { status } = await fetch(`${baseURL}/models`, { headers: { authorization: `Bearer ${key}` } })
  return status
}

/** Requests a chat completion. */
export function ask(baseURL: string, key: string, body: object = {}): Promise<Response> {
  return fetch(`${baseURL}/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'hi' }], ...body }),
  })
}

function launch(args: readonly string[], environment: Environment) {
  const env = { PATH: process.env.PATH ?? '', ...environment }
  const child = spawn(process.execPath, [CLI, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const ended = once(child, 'close').then(([code, signal]): CommandResult => ({ code, signal, ...output }))
  return { child, told: output, ended }
}
