import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { budgets } from '../src/chat/effort.js'
import { findEndpoints } from '../src/endpoints.js'
import { configJsonSchema, type ErrorKind, RelayError, readConfig } from '../src/index.js'
import { providers } from '../src/providers/index.js'
import { pathsBelow, pathsIn } from './documents/map.js'
import { type Schema, writeReference } from './documents/reference.js'
import { blocksOf, faultsIn } from './documents/snippets.js'

const root: URL = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const readme = read('README.md')
const contributing = read('CONTRIBUTING.md')

/** The rows of the table below a head, each as its cells. */
function tableUnder(document: string, head: string): string[][] {
  const [, table = ''] = document.split(`\n${head}\n`)
  return (table.split('\n\n')[0] ?? '')
    .split('\n')
    .slice(1)
    .map((row) =>
      row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

/** The code of files, and of folders with all below them, as one text. */
function sourcesOf(...paths: string[]): string {
  const files = paths.flatMap((path) => (path.endsWith('/') ? pathsBelow(path, root) : [path]))
  return files
    .filter((file) => file.endsWith('.ts'))
    .map(read)
    .join('\n')
}

/** Where code looks at a header of a request. */
const REQUEST_HEADER = /headers\['([\w-]+)'\](?! = )/g

/** What stands in backquotes, blocks apart. */
function quoted(text: string): string[] {
  return [...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
}

describe('README.md', () => {
  const SECTION = /(?<=<!-- config:begin -->\n)[\s\S]*(?=<!-- config:end -->)/

  it('has the config reference that the schema makes (`npm run docs` writes it)', () => {
    const reference = `${writeReference(configJsonSchema() as Schema)}\n\n`
    if (process.env.UPDATE_DOCS === '1') {
      writeFileSync(
        new URL('README.md', root),
        readme.replace(SECTION, () => reference),
      )
      return
    }
    expect(SECTION.exec(readme)?.[0]).toBe(reference)
  })

  it('has code that compiles, as the examples do', () => {
    expect(faultsIn(readme)).toEqual([])
  }, 120_000)

  it('has config files that are configs', () => {
    const files = blocksOf(readme).filter(({ language }) => language === 'json')
    expect(files.length).toBeGreaterThan(0)
    for (const { text } of files) expect(() => readConfig(JSON.parse(text))).not.toThrow()
  })

  it('tells every kind of error as it is', () => {
    const rows = tableUnder(readme, '| kind | status | type | code | when |')
    const told = rows.map(([kind = '', status, type = '', code = '']) => {
      return [quoted(kind)[0], Number(status), quoted(type)[0], quoted(code)[0] ?? null]
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
    const rows = tableUnder(readme, '| strategy | who goes first |')
    expect(rows.map(([name = '']) => quoted(name)[0])).toEqual(JSON.parse(names))
  })

  it('names every field of a usage record', () => {
    const [, fields = ''] = /interface UsageRecord \{([\s\S]*?)\n\}/.exec(read('src/stores/usage.ts')) ?? []
    const real = [...fields.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name)
    const told = tableUnder(readme, '| field | holds |').flatMap(([names = '']) => quoted(names))
    expect(told.sort()).toEqual(real.sort())
  })

  it('has the table of efforts that the code has', () => {
    const rows = tableUnder(readme, '| effort | tokens |')
    expect(rows.map(([effort = '', tokens]) => [quoted(effort)[0], Number(tokens)])).toEqual(Object.entries(budgets))
  })

  it('tells of every provider what it says of itself', () => {
    const rows = tableUnder(readme, '| type | key | base URL | speaks | known for |')
    const told = rows.map((cells) => cells.map((cell) => quoted(cell)))
    const real = [...providers.values()].map(({ id, keyVariable = [], baseURL = [], speaks, models }) => {
      return [[id], [keyVariable].flat(), [baseURL].flat(), speaks, models]
    })
    expect(told).toEqual(real)
  })

  it('names every endpoint in its language', () => {
    const told = tableUnder(readme, '| endpoint | language | gives |').flatMap(([endpoints = '', language = '']) =>
      quoted(endpoints).map((endpoint) => `${endpoint.replace(/\/v1\w*\//, '')} ${quoted(language)[0]}`),
    )
    const row = /method: '(\w+)',\s+path: '([^']+)',\s+operation: '\w+',\s+protocol: '([\w-]+)'/g
    const real = [...read('src/endpoints.ts').matchAll(row)].map(([, method, path, language]) => {
      return `${method} ${path} ${language}`
    })
    expect(told.sort()).toEqual(real.sort())
  })

  it('names every header of the answers', () => {
    const told = tableUnder(readme, '| answer header | when | value |').flatMap(([names = '']) => quoted(names))
    const code = sourcesOf('src/answers.ts', 'src/operations/', 'src/policies/').replaceAll(REQUEST_HEADER, '')
    const real = [...code.matchAll(/'((?:x|retry|cache)-[a-z-]+)'|\btold\.(\w+) =/g)].map(
      ([, name, word]) => name ?? word,
    )
    expect(told.sort()).toEqual([...new Set(real)].sort())
  })

  it('names every header of a request that is looked at beyond keys and the body', () => {
    const told = tableUnder(readme, '| request header | means |').flatMap(([names = '']) => quoted(names))
    const real = [
      ...sourcesOf('src/relay.ts', 'src/operations/', 'src/policies/forward.ts').matchAll(REQUEST_HEADER),
    ].map(([, name]) => name)
    expect(told.sort()).toEqual([...new Set(real)].sort())
  })

  it('tells of every kind of limit, and whose they are', () => {
    const { properties } = configJsonSchema() as Schema
    const { limits } = properties as Record<string, Schema>
    const kinds = tableUnder(readme, '| kind | is |').map(([name = '']) => quoted(name)[0])
    expect([...kinds, 'models', 'relay'].sort()).toEqual(Object.keys(limits?.properties ?? {}).sort())
  })

  it('names every hook', () => {
    const [, fields = ''] = /interface Hooks \{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const [, handles = ''] = /type StoreOptions =[^{]*\{([\s\S]*?)\n\}/.exec(read('src/options.ts')) ?? []
    const names = (text: string): string[] => [...text.matchAll(/readonly (\w+)\?:/g)].map(([, name = '']) => name)
    const real = [...names(fields), ...names(handles).map((name) => `store.${name}`)]
    const told = tableUnder(readme, '| option | type | meaning |').flatMap(([names = '']) => quoted(names))
    expect(told.sort()).toEqual(real.sort())
  })

  it('names endpoints that there are', () => {
    const endpoints = quoted(readme).flatMap((text) => /^(?:GET|POST|DELETE) \/v1\S+$/.exec(text) ?? [])
    expect(endpoints.length).toBeGreaterThan(0)
    for (const endpoint of endpoints) {
      const [method, url = ''] = endpoint.split(' ')
      const found = findEndpoints({ url: url.replace('{id}', 'some-model'), mount: undefined, headers: {} })
      expect([endpoint, found?.endpoints.some((row) => row.method === method)]).toEqual([endpoint, true])
    }
  })
})

describe.each([
  ['README.md', readme],
  ['CONTRIBUTING.md', contributing],
])('%s', (_name, text) => {
  it('links to what exists', () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !/^https?:/.test(link) && !existsSync(new URL(link, root)))).toEqual([])
  })

  it('names files that exist', () => {
    const files = quoted(text).filter((path) => /^(?:src|adapters|test|examples|\.ci)\/[\w./-]*$/.test(path))
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([])
  })

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...text.matchAll(/\bnpm (?:run )?([\w-]+)/g)].map(([, script = '']) => script)
    const own = ['ci', 'install', 'pack']
    expect(named.filter((script) => !own.includes(script) && !(script in scripts))).toEqual([])
  })
})

describe('CONTRIBUTING.md', () => {
  const map = blocksOf(contributing.slice(contributing.indexOf('## The map')))[0]?.text ?? ''

  it('names nothing in its map that is not there', () => {
    expect(pathsIn(map).filter((path) => !existsSync(new URL(path, root)))).toEqual([])
  })

  it.each(['src/', 'adapters/'])('names in its map all there is in %s', (folder) => {
    const named = pathsIn(map).filter((path) => path.startsWith(folder))
    // The files of a language are known by its folder.
    const real = pathsBelow(folder, root).filter((path) => !/^src\/protocols\/[\w-]+\/./.test(path))
    expect(named.sort()).toEqual(real.sort())
  })

  it('gives a reason for every dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const rows = tableUnder(contributing, '| package | home | why |')
    expect(rows.map(([name = '']) => quoted(name)[0]).sort()).toEqual(Object.keys(dependencies).sort())
  })
})
