import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findEndpoints } from '../src/endpoints.js'
import { configJsonSchema, type ErrorKind, RelayError, readConfig } from '../src/index.js'
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
    const [, fields = ''] = /interface UsageRecord \{([\s\S]*?)\n\}/.exec(read('src/policies/account.ts')) ?? []
    const real = [...fields.matchAll(/readonly (\w+):/g)].map(([, name]) => name)
    const told = tableUnder(readme, '| field | holds |').flatMap(([names = '']) => quoted(names))
    expect(told.sort()).toEqual(real.sort())
  })

  it('names endpoints that there are', () => {
    const endpoints = quoted(readme).flatMap((text) => /^(?:GET|POST) \/v1\S+$/.exec(text) ?? [])
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
    expect(named.sort()).toEqual(pathsBelow(folder, root).sort())
  })

  it('gives a reason for every dependency', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const rows = tableUnder(contributing, '| package | home | why |')
    expect(rows.map(([name = '']) => quoted(name)[0]).sort()).toEqual(Object.keys(dependencies).sort())
  })
})
