import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root: string = fileURLToPath(new URL('../../', import.meta.url))

/** A fenced block of a document. */
export interface Block {
  readonly language: string
  readonly text: string
  /** Line of its start in the document. */
  readonly line: number
}

export function codeBlocksOf(document: string): Block[] {
  return [...document.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: document.slice(0, index).split('\n').length,
  }))
}

/** Matches the first line of a block that shows a file of the project. */
const OWN_PATH = /^\/\/ ((?:src|adapters|test)\/[\w./-]+\.ts)\n/

/** Declares what samples use without creating it, and packages that only users have. */
const AMBIENT_TYPES = `
declare const relay: import('modelmount').Relay
declare module '@hono/node-server'
declare module '@nestjs/common'
declare module '@nestjs/core'
`

/**
 * Type-checks programs that import the package by its name, against the source: the js and ts blocks of pages, and the
 * files of `examples`. Frameworks without types pass as `any`. A block that begins with its path, such as
 * `// src/providers/hosts/example.ts`, is checked as that file, so it can import its neighbours.
 *
 * @param pages path → Markdown
 * @returns one line per error. `docs_guide_cache_12.js:3` is line 3 of the block on line 12 of `docs/guide/cache.md`.
 */
export function typeErrorsIn(pages: ReadonlyMap<string, string>): string[] {
  const texts = new Map([[`${root}around.d.ts`, AMBIENT_TYPES]])
  for (const [path, markdown] of pages) {
    for (const { language, text, line } of codeBlocksOf(markdown)) {
      if (language !== 'js' && language !== 'ts') continue
      const [, file = `${path.replace('.md', '').replaceAll('/', '_')}_${line}.${language}`] = OWN_PATH.exec(text) ?? []
      texts.set(root + file, `${text}\nexport {}\n`)
    }
  }
  const host = ts.createCompilerHost(OPTIONS)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => texts.has(file) || fileExists(file)
  host.readFile = (file) => texts.get(file) ?? readFile(file)
  host.getSourceFile = (file, options, ...rest) => {
    const text = texts.get(file)
    return text === undefined ? getSourceFile(file, options, ...rest) : ts.createSourceFile(file, text, options)
  }
  const programs = readdirSync(`${root}examples`).filter((name) => name.endsWith('.js'))
  const examples = programs.map((name) => `${root}examples/${name}`)
  const files = [...texts.keys(), ...examples]
  const program = ts.createProgram(files, OPTIONS, host)
  return files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file))).map(formatDiagnostic)
}

const OPTIONS: ts.CompilerOptions = {
  allowJs: true,
  checkJs: true,
  noEmit: true,
  strict: true,
  noImplicitAny: false,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: ['node'],
  paths: sourceOfExports(),
}

/** `modelmount/express` → `adapters/express.ts`, for each of the package's exports. */
function sourceOfExports(): Record<string, string[]> {
  const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    name: string
    exports: Record<string, string | object>
  }
  const paths: Record<string, string[]> = {}
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    paths[name + path.slice(1)] = [path === '.' ? `${root}src/index.ts` : `${root}adapters/${path.slice(2)}.ts`]
  }
  return paths
}

function formatDiagnostic({ file, start = 0, messageText }: ts.Diagnostic): string {
  const place = file ? `${file.fileName.replace(root, '')}:${file.getLineAndCharacterOfPosition(start).line + 1}: ` : ''
  return place + ts.flattenDiagnosticMessageText(messageText, '\n')
}
