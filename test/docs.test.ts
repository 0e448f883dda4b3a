import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { budgets } from '../src/chat/effort.js'
import { helpText } from '../src/cli/help.js'
import { findEndpoints } from '../src/endpoints.js'
import { configJsonSchema, type ErrorKind, RelayError, readConfig } from '../src/index.js'
import { protocolOf } from '../src/protocols/index.js'
import { providers } from '../src/providers/index.js'
import { pathsBelow, pathsIn } from './documents/map.js'
import { anchorsOf, GENERATED_PAGES, inlineCode, readPages, relativeLinks, tableRows } from './documents/pages.js'
import { type Schema, writeReference } from './documents/reference.js'
import { codeBlocksOf, typeErrorsIn } from './documents/type-errors-in.js'
import { freePort } from './ports.js'

const root: URL = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const pages = readPages()

/** JSON with comments, as configs in the pages may have them. */
function parseJsonc(text: string): unknown {
  const { config, error } = ts.parseConfigFileTextToJson('config.jsonc', text)
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  return config
}

/** The code of files, and of folders with all below them, as one text. */
function sourcesOf(...paths: string[]): string {
  const files = paths.flatMap((path) => (path.endsWith('/') ? pathsBelow(path, root) : [path]))
  return files
    .filter((file) => file.endsWith('.ts'))
    .map(read)
    .join('\n')
}

/** The relay that samples use without creating it. */
const RELAY = `
import { createRelay } from 'modelmount'
const relay = createRelay({ providers: { openai: {} }, keys: [{ id: 'alice', key: 'sk-alice-secret' }] })
`

/** Where code looks at a header of a request. */
const REQUEST_HEADER = /headers\['([\w-]+)'\](?! = )/g

describe('the pages', () => {
  it('have code that compiles, as the examples do', () => {
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
    'has a server on $place that runs',
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

  it('have JSON that is a valid config', () => {
    const configs = [...pages].flatMap(([path, page]) =>
      codeBlocksOf(page)
        .filter(({ language }) => language === 'json' || language === 'jsonc')
        .map(({ text, line }) => ({ text, place: `${path}:${line}` })),
    )
    expect(configs.length).toBeGreaterThan(0)
    for (const { text, place } of configs) expect(() => readConfig(parseJsonc(text)), place).not.toThrow()
  })

  it('have shell commands that the command line knows', () => {
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

  it('have the config reference that the schema makes (`npm run docs:generate` writes it)', () => {
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

  it('tells every kind of error as it is', () => {
    const rows = tableRows(pages, '| kind | status | type | code | when |')
    const told = rows.map(([kind = '', status, type = '', code = '']) => {
      return [inlineCode(kind)[0], Number(status), inlineCode(type)[0], inlineCode(code)[0] ?? null]
    })
    const kinds = [...read('src/errors.ts').matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, kind]) => kind as ErrorKind)
    const real = kinds.map((kind) => {
      const { status, type, code } = new RelayError(kind, '')
      return [kind, status, type, code]
    })
    expect(told).toEqual(real)
  })

  it('names every strategy', () => {
    const [, names = ''] = /"strategy":\{[^}]*"enum":(\[[^\]]*\])/.exec(JSON.stringify(configJsonSchema())) ?? []
    const rows = tableRows(pages, '| strategy | which target goes first |')
    expect(rows.map(([name = '']) => inlineCode(name)[0])).toEqual(JSON.parse(names))
  })

  it('names every field of a usage record', () => {
    const [, fields = ''] = /interface UsageRecord \{([\s\S]*?)\n\}/.exec(read('src/stores/usage.ts')) ?? []
    const real = [...fields.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name)
    const told = tableRows(pages, '| field | holds |').flatMap(([names = '']) => inlineCode(names))
    expect(told.sort()).toEqual(real.sort())
  })

  it('has the table of efforts that the code has', () => {
    const rows = tableRows(pages, '| effort | tokens |')
    expect(rows.map(([effort = '', tokens]) => [inlineCode(effort)[0], Number(tokens)])).toEqual(
      Object.entries(budgets),
    )
  })

  it('name the field of every setting in every protocol', () => {
    const ids = ['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const
    const head = `| setting | ${ids.map((id) => `\`${id}\``).join(' | ')} |`
    const documented = tableRows(pages, head).map(([, ...cells]) => cells.map((cell) => inlineCode(cell)[0]))
    const spellings = ids.map((id) => protocolOf(id).settingNames)
    const settings = new Set(spellings.flatMap((names) => Object.keys(names) as (keyof typeof names)[]))
    const real = [...settings].map((setting) => spellings.map((names) => names[setting]))
    expect(documented.map(String).sort()).toEqual(real.map(String).sort())
  })

  it('tells of every provider what it says of itself', () => {
    const rows = tableRows(pages, '| type | key | base URL | speaks | known for |')
    const told = rows.map((cells) => cells.map((cell) => inlineCode(cell)))
    const real = [...providers.values()].map(({ id, keyVariable = [], baseURL = [], speaks, models }) => {
      return [[id], [keyVariable].flat(), [baseURL].flat(), speaks, models]
    })
    expect(told).toEqual(real)
  })

  it('names every endpoint in its language', () => {
    const told = tableRows(pages, '| endpoint | protocol | gives |').flatMap(([endpoints = '', language = '']) =>
      inlineCode(endpoints).map((endpoint) => `${endpoint.replace(/\/v1\w*\//, '')} ${inlineCode(language)[0]}`),
    )
    const row = /method: '(\w+)',\s+path: '([^']+)',\s+operation: '\w+',\s+protocol: '([\w-]+)'/g
    const real = [...read('src/endpoints.ts').matchAll(row)].map(([, method, path, language]) => {
      return `${method} ${path} ${language}`
    })
    expect(told.sort()).toEqual(real.sort())
  })

  it('names every header of the answers', () => {
    const told = tableRows(pages, '| answer header | when | value |').flatMap(([names = '']) => inlineCode(names))
    const code = sourcesOf('src/requests/responses.ts', 'src/operations/', 'src/policies/').replaceAll(
      REQUEST_HEADER,
      '',
    )
    const real = [...code.matchAll(/'((?:x|retry|cache)-[a-z-]+)'|\bresponseHeaders\.(\w+) =/g)].map(
      ([, name, word]) => name ?? word,
    )
    expect(told.sort()).toEqual([...new Set(real)].sort())
  })

  it('names every header of a request that is looked at beyond keys and the body', () => {
    const told = tableRows(pages, '| request header | effect |').flatMap(([names = '']) => inlineCode(names))
    const real = [
      ...sourcesOf('src/relay.ts', 'src/operations/', 'src/policies/routing/forward-routes.ts').matchAll(
        REQUEST_HEADER,
      ),
    ].map(([, name]) => name)
    expect(told.sort()).toEqual([...new Set(real)].sort())
  })

  it('tells of every kind of limit, and whose they are', () => {
    const { properties } = configJsonSchema() as Schema
    const { limits } = properties as Record<string, Schema>
    const kinds = tableRows(pages, '| kind | meaning |').map(([name = '']) => inlineCode(name)[0])
    expect([...kinds, 'models', 'relay'].sort()).toEqual(Object.keys(limits?.properties ?? {}).sort())
  })

  it('names every hook', () => {
    const [, fields = ''] = /interface Hooks \{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const [, handles = ''] = /type StoreOptions =[^{]*\{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const names = (text: string): string[] => [...text.matchAll(/readonly (\w+)\?:/g)].map(([, name = '']) => name)
    const real = [...names(fields), ...names(handles).map((name) => `store.${name}`)]
    const told = tableRows(pages, '| option | type | meaning |').flatMap(([names = '']) => inlineCode(names))
    expect(told.sort()).toEqual(real.sort())
  })

  it('name endpoints that there are', () => {
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
  it('links to what exists', () => {
    const links = relativeLinks(path, page).filter((link) => !link.path.startsWith(GENERATED_PAGES))
    const broken = links.filter((link) => {
      if (!existsSync(new URL(link.path, root))) return true
      return link.anchor !== '' && !anchorsOf(pages.get(link.path) ?? '').has(link.anchor)
    })
    expect(broken.map(({ href }) => href)).toEqual([])
  })

  it('names files that exist', () => {
    const files = inlineCode(page).filter((file) => /^(?:src|adapters|test|examples|\.ci)\/[\w./-]*$/.test(file))
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...page.matchAll(/\bnpm (?:run )?([\w:-]+)/g)].map(([, script = '']) => script)
    const ofNpm = ['ci', 'install', 'pack']
    expect(named.filter((script) => !ofNpm.includes(script) && !(script in scripts))).toEqual([])
  })
})

describe('the map of files', () => {
  const page = [...pages.values()].find((text) => text.includes('\n## The map\n')) ?? ''
  const map = codeBlocksOf(page.slice(page.indexOf('\n## The map\n')))[0]?.text ?? ''

  // A page may have a map of all files, under this heading. None has one at present.
  it.skipIf(map === '')('names nothing that is not there', () => {
    expect(pathsIn(map).filter((path) => !existsSync(new URL(path, root)))).toEqual([])
  })

  it.skipIf(map === '').each(['src/', 'adapters/'])('names all there is in %s', (folder) => {
    const named = pathsIn(map).filter((path) => path.startsWith(folder))
    // The files of a protocol are known by its folder.
    const real = pathsBelow(folder, root).filter((path) => !/^src\/protocols\/[\w-]+\/./.test(path))
    expect(named.sort()).toEqual(real.sort())
  })
})

describe('docs/internals/dependencies.md', () => {
  it('gives a reason for every dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const rows = tableRows(pages, '| package | used for | why |')
    expect(rows.map(([name = '']) => inlineCode(name)[0]).sort()).toEqual(Object.keys(dependencies).sort())
  })
})
