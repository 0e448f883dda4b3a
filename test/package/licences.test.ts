import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const dist: URL = new URL('../../dist/', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, dist), 'utf8')

it('dist/LICENSES.txt has the licence of each package in dist', () => {
  const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => /\.c?js$/.test(path))
  // The bundler names the source of each part in a comment.
  const bundled = scripts.flatMap((path) =>
    [...read(path).matchAll(/^\/\/#region .*\/?node_modules\/((?:@[^/]+\/)?[^/]+)/gm)].map(([, name = '']) => name),
  )
  const listed = [...read('LICENSES.txt').matchAll(/^(\S+) \d+\.\d+\.\d\S*$/gm)].map(([, name = '']) => name)
  expect(new Set(listed)).toEqual(new Set(bundled))
})
