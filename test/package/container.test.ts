import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../free-port.js'
import { type Instruction, isInContext, readDockerfile } from './dockerfile.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/*
 * No container engine is needed. Each stage of the Dockerfile is a folder, and its instructions are carried out there,
 * with two exceptions that would need the network: `npm ci` links this checkout's packages, and `npm prune` copies those
 * that the lock file gives the package.json of that moment.
 */
const stages = readDockerfile(read('Dockerfile'))
const image = stages.at(-1) ?? []
const folder = mkdtempSync(join(tmpdir(), 'modelmount-image-'))
const folderOf = (stage: string | number): string => join(folder, `stage-${stage}`)
const appFolder = join(folderOf(stages.length - 1), 'app')

beforeAll(() => {
  for (const [index, stage] of stages.entries()) runStage(stage, index)
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The last instruction of a name in the image. */
function instruction(name: string): string {
  const found = image.findLast((one) => one.name === name)
  if (!found) throw new Error(`the image has no ${name}`)
  return found.text
}

/** The files of this checkout that git would commit and that `.dockerignore` lets into the build. */
function contextFiles(): string[] {
  const options = { cwd: root, encoding: 'utf8' } as const
  const listing = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], options)
  const ignored = read('.dockerignore')
  return listing.split('\n').filter((file) => file !== '' && isInContext(file, ignored) && existsSync(join(root, file)))
}

function runStage(stage: readonly Instruction[], index: number): void {
  const top = folderOf(index)
  let workdir = top
  for (const { name, text } of stage) {
    if (name === 'FROM') {
      const [, stageName] = / AS (\w+)$/.exec(text) ?? []
      if (stageName) symlinkSync(top, folderOf(stageName))
    }
    if (name === 'WORKDIR') {
      workdir = join(top, text)
      mkdirSync(workdir, { recursive: true })
    }
    if (name === 'COPY') copy(text, workdir)
    if (name === 'RUN') runCommand(text, workdir)
  }
}

function copy(text: string, workdir: string): void {
  const [, stage, paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(text) ?? []
  const sources = paths.split(' ')
  const target = join(workdir, sources.pop() ?? '')
  for (const source of sources) {
    const into = paths.endsWith('/') ? join(target, source.split('/').at(-1) ?? '') : target
    if (stage) {
      cpSync(join(folderOf(stage), source), into, { recursive: true })
      continue
    }
    const files = contextFiles().filter((file) => file === source || file.startsWith(`${source}/`))
    if (files.length === 0) throw new Error(`COPY ${text}: ${source} is not in the build's context`)
    for (const file of files) cpSync(join(root, file), join(into, file.slice(source.length)), { recursive: true })
  }
}

function runCommand(command: string, workdir: string): void {
  const modules = join(workdir, 'node_modules')
  if (command.startsWith('npm ci')) return symlinkSync(join(root, 'node_modules'), modules)
  if (command.startsWith('npm prune')) {
    // Only the link goes: the packages behind it are this checkout's own.
    rmSync(modules)
    for (const path of runtimePackages(workdir)) cpSync(join(root, path), join(workdir, path), { recursive: true })
    return
  }
  // This test runs under npm itself, whose variables lead to the package.json of this checkout.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  const { status, stderr, stdout } = spawnSync('sh', ['-c', command], { cwd: workdir, encoding: 'utf8', env })
  if (status !== 0) throw new Error(`RUN ${command}: ${stdout}${stderr}`)
}

/** The folders that `npm prune --omit=dev` leaves: all that `dependencies` need, by the lock file. */
function runtimePackages(workdir: string): Set<string> {
  const { packages } = JSON.parse(readFileSync(join(workdir, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dependencies?: Record<string, string> }>
  }
  const { dependencies } = JSON.parse(readFileSync(join(workdir, 'package.json'), 'utf8')) as { dependencies: object }
  const found = new Set<string>()
  const visit = (name: string, from: string): void => {
    const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`
    if (!packages[path])
      return from === '' ? undefined : visit(name, dirname(from).replace(/(?:^|\/)node_modules.*$/, ''))
    if (found.has(path)) return
    found.add(path)
    for (const dependency of Object.keys(packages[path].dependencies ?? {})) visit(dependency, path)
  }
  for (const name of Object.keys(dependencies)) visit(name, '')
  return found
}

/** Node's permissions stand in for `read_only`: the process may read all files and write none. */
const READ_ONLY = [
  process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission',
  '--allow-fs-read=*',
  ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
]

interface Started {
  readonly child: ChildProcess
  readonly environment: Readonly<Record<string, string>>
  readonly printed: () => string
  readonly exit: Promise<number | null>
}

/** The image's own variables, then those of `docker run --env`. Nothing comes from this machine. */
function imageEnvironment(more: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.fromEntries(
    instruction('ENV')
      .split(' ')
      .map((pair) => pair.split('=') as [string, string]),
  )
  return { ...own, ...more }
}

/** Runs the exec form of an instruction, with this machine's Node and the image's folder. */
function spawnExecForm(text: string, flags: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  const [program, ...args] = (JSON.parse(text) as string[]).map((arg) => arg.replace(/^\/app\//, `${appFolder}/`))
  expect(program).toBe('node')
  return spawn(process.execPath, [...flags, ...args], { cwd: appFolder, env, stdio: ['ignore', 'pipe', 'pipe'] })
}

function startImage(more: Readonly<Record<string, string>>): Started {
  const environment = imageEnvironment(more)
  const child = spawnExecForm(instruction('ENTRYPOINT'), READ_ONLY, environment)
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (printed += chunk))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  return { child, environment, printed: () => printed, exit }
}

async function healthOf({ environment }: Started): Promise<number | null> {
  const [, command = ''] = / CMD (\[.*\])$/.exec(instruction('HEALTHCHECK')) ?? []
  const [code] = await once(spawnExecForm(command, READ_ONLY, environment), 'close')
  return code
}

describe('the image', () => {
  it('starts without write access, is healthy, and stops at its stop signal', async () => {
    const started = startImage({ PORT: String(await freePort()) })
    while (!started.printed().includes('listening on')) {
      const ended = await Promise.race([started.exit, once(started.child.stdout ?? started.child, 'data')])
      if (typeof ended === 'number') throw new Error(started.printed())
    }
    expect(started.printed()).toContain(`listening on http://0.0.0.0:${started.environment.PORT}/v1`)
    expect(await healthOf(started)).toBe(0)
    const stoppedAt = performance.now()
    started.child.kill(instruction('STOPSIGNAL') as NodeJS.Signals)
    expect(await started.exit).toBe(0)
    expect(performance.now() - stoppedAt).toBeLessThan(5000)
    expect(await healthOf(started)).toBe(1)
  })

  it.each([
    ['redis', 'redis://127.0.0.1:9'],
    ['sql', 'postgres://127.0.0.1:9/relay'],
  ])('has the driver of store.%s', async (store, address) => {
    const config = JSON.stringify({ providers: { openai: { apiKey: 'sk-any' } }, store: { [store]: address } })
    const file = join(folder, `${store}.json`)
    execFileSync('sh', ['-c', 'cat > "$0"', file], { input: config })
    const { exit, printed } = startImage({ PORT: '0', MODELMOUNT_CONFIG: file })
    expect(await exit).toBe(1)
    expect(printed()).toMatch(/^store: cannot be opened: .*(?:ECONNREFUSED|Connection is closed)/m)
  })

  it('has no development package and none of its own sources', () => {
    for (const path of ['node_modules/typescript', 'node_modules/vitest', 'src', 'test']) {
      expect([path, existsSync(join(appFolder, path))]).toEqual([path, false])
    }
  })

  it('runs as a user without privileges, by its number', () => {
    expect(instruction('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
  })

  it('is small: the app adds at most 25 MB to the base image', () => {
    const [kilobytes = ''] = execFileSync('du', ['-sk', appFolder], { encoding: 'utf8' }).split('\t')
    expect(Number(kilobytes)).toBeLessThan(25_000)
  })
})

describe('.dockerignore', () => {
  it('lets in only what the build copies', () => {
    const copied = stages.flat().filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
    const sources = copied.flatMap(({ text }) => text.split(' ').slice(0, -1))
    const unused = contextFiles().filter(
      (file) => !sources.some((path) => file === path || file.startsWith(`${path}/`)),
    )
    expect(unused).toEqual([])
  })

  it.each(['.env', 'relay.json', 'node_modules/x/index.js', 'dist/index.js', '.git/config'])('keeps out %s', (file) => {
    expect(isInContext(file, read('.dockerignore'))).toBe(false)
  })
})
