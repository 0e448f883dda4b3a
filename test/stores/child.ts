import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import type { Place } from './drivers.js'

const root = resolve(import.meta.dirname, '../..')

/** The stores as JavaScript, for child processes. */
export interface Compiled {
  readonly folder: string
  remove(): void
}

/** Compiles the stores, which is faster than the whole build. */
export function compileStores(): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'modelmount-child-'))
  for (const part of ['src/lib', 'src/stores', 'test/stores']) compileFolder(part, folder)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function compileFolder(part: string, folder: string): void {
  const names = readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
  for (const name of names.filter((file) => file.endsWith('.ts') && !/\.(test|suite|d)\.ts$/.test(file))) {
    const target = join(folder, part, name.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, compile(readFileSync(join(root, part, name), 'utf8')))
  }
}

function compile(text: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

/** A process that runs endless.ts: it reserves, settles and records without end. */
export class Child {
  readonly #process: ChildProcess

  constructor({ folder }: Compiled, place: Place, account: string) {
    const script = join(folder, 'test/stores/endless.js')
    this.#process = spawn(process.execPath, [script, JSON.stringify(place), account], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // It imports packages from the folder of the repository.
      env: { ...process.env, MODELMOUNT_TEST_ROOT: root },
    })
  }

  /** Resolves when it has created its tables and charged its first calls. */
  async working(): Promise<void> {
    if (this.#process.stdout) await once(this.#process.stdout, 'data')
  }

  async kill(): Promise<void> {
    const exited = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exited
  }
}
