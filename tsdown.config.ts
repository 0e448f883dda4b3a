import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { defineConfig, type Rolldown, type UserConfig, type UserConfigExport } from 'tsdown'
import ts from 'typescript'

/** The package's exports, by the names of their files in `dist`. */
const exports = {
  index: 'src/index.ts',
  express: 'adapters/express.ts',
  fastify: 'adapters/fastify.ts',
  fetch: 'adapters/fetch.ts',
  hono: 'adapters/hono.ts',
  koa: 'adapters/koa.ts',
  node: 'adapters/node.ts',
  passthrough: 'adapters/passthrough.ts',
}

/**
 * Packages that the build takes in: docs/internals/dependencies.md says why. Of undici, it takes the connection pool. The
 * build fails at any other package that is no dependency in package.json.
 */
const BUNDLED = ['undici', 'http-proxy-3', 'follow-redirects', 'debug', 'ms', 'supports-color', 'has-flag', 'ws', 'zod']
/** Packages without CommonJS, which Jest and older bundlers need. Only the CommonJS build takes them in. */
const MODULES_ONLY = ['p-retry', 'is-network-error']

/** Parts of undici that the relay never reaches: HTTP/2, which is off, and bodies that are forms of the Fetch API. */
const UNREACHED = /\/undici\/lib\/(?:dispatcher\/client-h2|web\/fetch\/body)\.js$/
/** Native addons that `ws` uses if they are installed. It catches what `undefined()` throws in their place. */
const OPTIONAL_ADDONS = /\brequire\('(?:bufferutil|utf-8-validate)'\)/g

/** Frees CommonJS code from `require`, which throws where a host bundles its app as an ES module. */
const withoutRequire: Rolldown.Plugin = {
  name: 'without-require',
  transform: {
    filter: { id: /\/node_modules\/.*\.[cm]?js$/ },
    handler(code, id) {
      if (UNREACHED.test(id)) return 'module.exports = {}'
      return code
        .replace(OPTIONAL_ADDONS, 'undefined()')
        .replace(/\brequire\((['"])([\w:/]+)\1\)/g, (call, _quote, name: string) =>
          isBuiltin(name) ? `process.getBuiltinModule('${name}')` : call,
        )
    },
  },
}

/**
 * Writes the types of a config out. They name types of zod, which would come with them: 150 kB, which do not compile
 * in a host that sets `skipLibCheck` to false, because a bundler moves the comments that silence zod's errors.
 */
const plainConfigTypes: Rolldown.Plugin = {
  name: 'plain-config-types',
  transform: {
    order: 'pre',
    filter: { id: /\/src\/config\/config\.d\.[cm]?ts$/ },
    handler(code, id) {
      const types = typesIn(id.replace(/\.d\.[cm]?ts$/, '.ts'))
      return code.replace(
        /\btype (\w+) = z\.(?:in|out)put<.*>/g,
        (_alias, name: string) => `type ${name} = ${types.get(name)}`,
      )
    },
  },
}

/** The type aliases of a file by name, without names of other types. */
function typesIn(path: string): ReadonlyMap<string, string> {
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile)
  const program = ts.createProgram([path], ts.parseJsonConfigFileContent(config, ts.sys, '.').options)
  const checker = program.getTypeChecker()
  const aliases = program.getSourceFile(path)?.statements.filter(ts.isTypeAliasDeclaration) ?? []
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias
  return new Map(
    aliases.map((alias) => [alias.name.text, checker.typeToString(checker.getTypeAtLocation(alias), alias, flags)]),
  )
}

/** Writes the licences of the bundled packages beside the code. Only for CommonJS, whose bundle has all of them. */
const licences: Rolldown.Plugin = {
  name: 'licences',
  generateBundle() {
    const folders = [...this.getModuleIds()].flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id) ?? [])
    const texts = [...new Set(folders)].sort().map((folder) => {
      const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Record<string, string>
      return `${name} ${version}\n\n${readFileSync(`${folder}/${readdirSync(folder).find((file) => /^licen[cs]e/i.test(file))}`, 'utf8').trim()}\n`
    })
    this.emitFile({ type: 'asset', fileName: 'LICENSES.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) })
  },
}

function build(format: 'esm' | 'cjs', extension: string, config: UserConfig): UserConfig {
  const chunkFileNames = ({ name }: { name: string }): string =>
    `shared/${name === 'src' ? 'relay' : name.replace(/\.d$/, '')}.${extension}`
  return {
    format,
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    fixedExtension: false,
    hash: false,
    dts: { sourcemap: false },
    // Neither asks for a change: CommonJS is there on purpose, and the types take most of the time.
    checks: { legacyCjs: false, pluginTimings: false },
    plugins: format === 'cjs' ? [withoutRequire, licences] : [withoutRequire],
    // Not in `plugins`: tsdown leaves those out where it writes types for CommonJS.
    inputOptions: (options) => ({ ...options, plugins: [options.plugins, plainConfigTypes] }),
    // Comments stay in the source maps: they would cost time at each start.
    outputOptions: { chunkFileNames, comments: false },
    ...config,
  }
}

const config: UserConfigExport = defineConfig([
  build('esm', 'js', {
    entry: { ...exports, 'src/cli': 'src/cli.ts' },
    deps: { onlyBundle: BUNDLED },
  }),
  build('cjs', 'cjs', {
    entry: exports,
    deps: { alwaysBundle: MODULES_ONLY, onlyBundle: [...BUNDLED, ...MODULES_ONLY] },
    clean: false,
  }),
])

export default config
