import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { budgets } from '../src/chat/effort.js'
import { helpText } from '../src/cli/help.js'
import { findEndpoints } from '../src/endpoints.js'
import { configJsonSchema, type ErrorKind, RelayError, readConfig } from '../src/index.js'
import { protocolOf } from '../src/protocols/index.js'
import { providers } from '../src/providers/index.js'
import { anchorsOf, GENERATED_PAGES, inlineCode, readPages, relativeLinks, tableRows } from './documents/pages.js'
import { pathsBelow } from './documents/paths-below.js'
import { type Schema, writeReference } from './documents/reference.js'
import { codeBlocksOf, typeErrorsIn } from './documents/type-errors-in.js'
import { freePort } from './free-port.js'

const root: URL = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const pages = readPages()

/** Parses JSON with comments, which configs in the pages may have. */
function parseJsonc(text: string): unknown {
  const { config, error } = ts.parseConfigFileTextToJson('config.jsonc', text)
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  return config
}

/** The text of files and of all TypeScript files in folders, joined. */
function sourcesOf(...paths: string[]): string {
  const files = paths.flatMap((path) => (path.endsWith('/') ? pathsBelow(path, root) : [path]))
  return files
    .filter((file) => file.endsWith('.ts'))
    .map(read)
    .join('\n')
}

/** Creates the relay that some samples only use. */
const RELAY = `
import { createRelay } from 'modelmount'
const relay = createRelay({ providers: { openai: {} }, keys: [{ id: 'alice', key: 'sk-alice-secret' }] })
`

/** Matches code that reads a request header. */
const REQUEST_HEADER = /headers\['([\w-]+)'\](?! = )/g

describe('the documentation', () => {
  it('has code samples and examples that compile', () => {
    expect(typeErrorsIn(pages)).toEqual([])
  }, 120_000)

  const servers = [...pages].flatMap(([path, page]) =>
    codeBlocksOf(page)
      .filter(({ text }) => text.includes('listen(3000)') && !text.includes('@nestjs'))
      .map(({ text, line }) => ({
        place: `${path}:${line}`,
        program: text.includes('createRelay(') ? text : RELAY + text,
      })),
  )

  // Samples import `modelmount`, which is dist/: `npm test` builds it.
  it.skipIf(!existsSync(new URL('dist/', root))).each(servers)(
    'has a working server at $place',
    async ({ program }) => {
      const port = await freePort()
      const keys = { OPENAI_API_KEY: 'sk-openai', ANTHROPIC_API_KEY: 'sk-anthropic' }
      const options = { cwd: root, env: { ...process.env, ...keys } }
      const source = program.replace('listen(3000)', `listen(${port})`)
      const server = spawn(process.execPath, ['--input-type=module', '--eval', source], options)
      onTestFinished(() => void server.kill('SIGKILL'))
      await vi.waitFor(
        async () => {
          const headers = { authorization: 'Bearer sk-alice-secret' }
          const { status } = await fetch(`http://127.0.0.1:${port}/v1/models`, { headers })
          expect(status).toBe(program.includes('sk-alice-secret') ? 200 : 401)
        },
        { timeout: 15_000, interval: 100 },
      )
    },
  )

  it('has JSON samples that are valid configs', () => {
    const configs = [...pages].flatMap(([path, page]) =>
      codeBlocksOf(page)
        .filter(({ language }) => language === 'json' || language === 'jsonc')
        .map(({ text, line }) => ({ text, place: `${path}:${line}` })),
    )
    expect(configs.length).toBeGreaterThan(0)
    for (const { text, place } of configs) expect(() => readConfig(parseJsonc(text)), place).not.toThrow()
  })

  it('has shell commands that the command line knows', () => {
    const lines = [...pages.values()]
      .flatMap(codeBlocksOf)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => [...text.matchAll(/^modelmount .*$/gm)].map(([line]) => line))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      const [command = ''] = /^modelmount(?: key)?(?: [a-z]+)?/.exec(line) ?? []
      const options = [...line.matchAll(/ (--[a-z]+)/g)].map(([, option = '']) => option)
      for (const word of [command, ...options]) expect(helpText, line).toContain(word)
    }
  })

  const SECTION = /(?<=<!-- config:begin -->\n)[\s\S]*(?=<!-- config:end -->)/

  it('has the config reference of the schema (`npm run docs:generate` writes it)', () => {
    const reference = `${writeReference(configJsonSchema() as Schema)}\n\n`
    const [path, page] = [...pages].find(([, text]) => SECTION.test(text)) ?? ['no page', '']
    if (process.env.UPDATE_DOCS === '1') {
      writeFileSync(
        new URL(path, root),
        page.replace(SECTION, () => reference),
      )
      return
    }
    expect(SECTION.exec(page)?.[0]).toBe(reference)
  })

  it('lists every kind of error with status, type and code', () => {
    const rows = tableRows(pages, '| kind | status | type | code | when |')
    const documented = rows.map(([kind = '', status, type = '', code = '']) => {
      return [inlineCode(kind)[0], Number(status), inlineCode(type)[0], inlineCode(code)[0] ?? null]
    })
    const kinds = [...read('src/errors.ts').matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, kind]) => kind as ErrorKind)
    const real = kinds.map((kind) => {
      const { status, type, code } = new RelayError(kind, '')
      return [kind, status, type, code]
    })
    expect(documented).toEqual(real)
  })

  it('lists every routing strategy', () => {
    const [, names = ''] = /"strategy":\{[^}]*"enum":(\[[^\]]*\])/.exec(JSON.stringify(configJsonSchema())) ?? []
    const rows = tableRows(pages, '| strategy | which target goes first |')
    expect(rows.map(([name = '']) => inlineCode(name)[0])).toEqual(JSON.parse(names))
  })

  it('lists every field of a usage record', () => {
    const [, fields = ''] = /interface UsageRecord \{([\s\S]*?)\n\}/.exec(read('src/stores/usage.ts')) ?? []
    const real = [...fields.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name)
    const documented = tableRows(pages, '| field | holds |').flatMap(([names = '']) => inlineCode(names))
    expect(documented.sort()).toEqual(real.sort())
  })

  it('lists the token budget of every effort', () => {
    const rows = tableRows(pages, '| effort | tokens |')
    expect(rows.map(([effort = '', tokens]) => [inlineCode(effort)[0], Number(tokens)])).toEqual(
      Object.entries(budgets),
    )
  })

  it('lists the field of every setting in every protocol', () => {
    const ids = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
    const head = `| setting | ${ids.map((id) => `\`${id}\``).join(' | ')} |`
    const documented = tableRows(pages, head).map(([, ...cells]) => cells.map((cell) => inlineCode(cell)[0]))
    const spellings = ids.map((id) => protocolOf(id).settingNames)
    const settings = new Set(spellings.flatMap((names) => Object.keys(names) as (keyof typeof names)[]))
    const real = [...settings].map((setting) => spellings.map((names) => names[setting]))
    expect(documented.map(String).sort()).toEqual(real.map(String).sort())
  })

  it('lists every provider with key, base URL, protocols and models', () => {
    const rows = tableRows(pages, '| type | key | base URL | speaks | known for |')
    const documented = rows.map((cells) => cells.map((cell) => inlineCode(cell)))
    const real = [...providers.values()].map(({ id, keyVariable = [], baseURL = [], speaks, models }) => {
      return [[id], [keyVariable].flat(), [baseURL].flat(), speaks, models]
    })
    expect(documented).toEqual(real)
  })

  it('lists every endpoint with its protocol', () => {
    const documented = tableRows(pages, '| endpoint | protocol | gives |').flatMap(([endpoints = '', protocol = '']) =>
      inlineCode(endpoints).map((endpoint) => `${endpoint.replace(/\/v1\w*\//, '')} ${inlineCode(protocol)[0]}`),
    )
    const row = /method: '(\w+)',\s+path: '([^']+)',\s+operation: '\w+',\s+protocol: '([\w-]+)'/g
    const real = [...read('src/endpoints.ts').matchAll(row)].map(([, method, path, protocol]) => {
      return `${method} ${path} ${protocol}`
    })
    expect(documented.sort()).toEqual(real.sort())
  })

  it('lists every response header', () => {
    const documented = tableRows(pages, '| answer header | when | value |').flatMap(([names = '']) => inlineCode(names))
    const code = sourcesOf('src/requests/responses.ts', 'src/operations/', 'src/policies/').replaceAll(
      REQUEST_HEADER,
      '',
    )
    const real = [...code.matchAll(/'((?:x|retry|cache)-[a-z-]+)'|\bresponseHeaders\.(\w+) =/g)].map(
      ([, name, word]) => name ?? word,
    )
    expect(documented.sort()).toEqual([...new Set(real)].sort())
  })

  it('lists every request header that affects a call', () => {
    const documented = tableRows(pages, '| request header | effect |').flatMap(([names = '']) => inlineCode(names))
    const real = [
      ...sourcesOf('src/relay.ts', 'src/operations/', 'src/policies/routing/forward-routes.ts').matchAll(
        REQUEST_HEADER,
      ),
    ].map(([, name]) => name)
    expect(documented.sort()).toEqual([...new Set(real)].sort())
  })

  it('lists every kind of limit', () => {
    const { properties } = configJsonSchema() as Schema
    const { limits } = properties as Record<string, Schema>
    const kinds = tableRows(pages, '| kind | meaning |').map(([name = '']) => inlineCode(name)[0])
    expect([...kinds, 'models', 'relay'].sort()).toEqual(Object.keys(limits?.properties ?? {}).sort())
  })

  it('lists every hook', () => {
    const [, fields = ''] = /interface Hooks \{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const [, handles = ''] = /type StoreOptions =[^{]*\{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const names = (text: string): string[] => [...text.matchAll(/readonly (\w+)\?:/g)].map(([, name = '']) => name)
    const real = [...names(fields), ...names(handles).map((name) => `store.${name}`)]
    const documented = tableRows(pages, '| option | type | meaning |').flatMap(([names = '']) => inlineCode(names))
    expect(documented.sort()).toEqual(real.sort())
  })

  it('names only endpoints that exist', () => {
    const endpoints = [...pages.values()].flatMap(inlineCode).flatMap((text) => {
      return /^(?:GET|POST|DELETE) \/v1\S+$/.exec(text) ?? []
    })
    expect(endpoints.length).toBeGreaterThan(0)
    for (const endpoint of endpoints) {
      const [method, url = ''] = endpoint.split(' ')
      const found = findEndpoints({ url: url.replace('{id}', 'some-model'), mount: undefined, headers: {} })
      expect([endpoint, found?.endpoints.some((row) => row.method === method)]).toEqual([endpoint, true])
    }
  })
})

describe.each([...pages])('%s', (path, page) => {
  it('links only to existing pages and headings', () => {
    const links = relativeLinks(path, page).filter((link) => !link.path.startsWith(GENERATED_PAGES))
    const broken = links.filter((link) => {
      if (!existsSync(new URL(link.path, root))) return true
      return link.anchor !== '' && !anchorsOf(pages.get(link.path) ?? '').has(link.anchor)
    })
    expect(broken.map(({ href }) => href)).toEqual([])
  })

  it('names only files that exist', () => {
    const files = inlineCode(page).filter((file) => /^(?:src|adapters|test|examples|\.ci)\/[\w./-]*$/.test(file))
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })

  it('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...page.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, script = '']) => script)
    const ofNpm = ['ci', 'install', 'pack']
    expect(named.filter((script) => !ofNpm.includes(script) && !(script in scripts))).toEqual([])
  })
})

describe('docs/guide/mounting.md', () => {
  it('lists every tested host with its versions', () => {
    const rows = tableRows(pages, '| host | how | with |')
    const listed = rows.map(([host = '', , versions = '']) => [inlineCode(host)[0], ...versions.split(', ').sort()])
    const hosts = readdirSync(new URL('test/hosts/', root), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    const tested = hosts.map(({ name }) => {
      const manifest = JSON.parse(read(`test/hosts/${name}/package.json`)) as Record<string, Record<string, string>>
      const { dependencies, devDependencies, optionalDependencies } = manifest
      const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
        .filter(([name]) => !name.startsWith('@types/'))
        .map(([name, version]) => `${name.replace(/^node-linux-.*/, 'node')} ${version}`)
      return [name, ...[...new Set(versions)].sort()]
    })
    expect(listed.sort()).toEqual(tested.sort())
  })
})

describe('docs/internals', () => {
  const internals = [...pages].filter(([path]) => path.startsWith('docs/internals/') || path === 'CONTRIBUTING.md')

  it.each(internals)('%s finds each identifier in the file that it names', (_path, page) => {
    const places = [...page.matchAll(/`([\w.#]+)` (?:in|of) `((?:src|adapters|test)\/[\w./-]+\.ts)`/g)]
    const missing = places.filter(([, identifier = '', file = '']) => {
      const words = new Set(read(file).match(/\w+/g))
      return identifier.split(/[.#]+/).some((word) => !words.has(word))
    })
    expect(missing.map(([text]) => text)).toEqual([])
  })
})

describe('docs/internals/dependencies.md', () => {
  it('gives a reason for every dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const rows = tableRows(pages, '| package | used for | why |')
    expect(rows.map(([name = '']) => inlineCode(name)[0]).sort()).toEqual(Object.keys(dependencies).sort())
    const bundled = tableRows(pages, '| bundled package | used for | why |')
    const licences = read('dist/LICENSES.txt')
    for (const [name = ''] of bundled) expect(licences).toMatch(new RegExp(`^${inlineCode(name)[0]} \\d`, 'm'))
    expect(bundled).toHaveLength(4)
  })
})
