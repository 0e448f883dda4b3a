#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { checkCommand } from './cli/check.js'
import type { Command, Values } from './cli/command.js'
import { helpText } from './cli/help.js'
import { createKey, listKeys, revokeKey, rotateKey } from './cli/key.js'
import { Refusal } from './cli/refusal.js'
import { schemaCommand } from './cli/schema.js'
import { serveCommand } from './cli/serve.js'
import { ConfigError, version } from './index.js'

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['serve', serveCommand],
  ['check', checkCommand],
  ['schema', schemaCommand],
  ['key create', createKey],
  ['key list', listKeys],
  ['key revoke', revokeKey],
  ['key rotate', rotateKey],
])

try {
  await main(process.argv.slice(2))
} catch (error) {
  // A fault of ours is shown whole, so that it can be reported; one of the user's is told in its own words.
  const known = error instanceof Refusal || error instanceof ConfigError
  console.error(known ? error.message : error)
  process.exitCode = 1
}

async function main(words: string[]): Promise<void> {
  const { help, version: wantsVersion, values, positionals } = read(words)
  if (help) return console.log(helpText)
  if (wantsVersion) return console.log(version)
  const { name, command, rest } = find(positionals)
  const stray = Object.keys(values).find((option) => !command.options.some((known) => known === option))
  if (stray) throw new Refusal(`--${stray}: is no option of \`modelmount ${name}\``)
  const { takes } = command
  if (rest.length > takes.length) throw new Refusal(`unexpected "${rest[takes.length]}"; see modelmount --help`)
  const missing = takes[rest.length]
  if (missing) throw new Refusal(`modelmount ${name}: ${missing} is missing; see modelmount --help`)
  await command.run(values, rest)
}

interface Words {
  readonly help: boolean
  readonly version: boolean
  readonly values: Values
  readonly positionals: readonly string[]
}

function read(words: string[]): Words {
  const text = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        config: text,
        port: text,
        host: text,
        id: text,
        group: text,
        models: text,
        expires: text,
        overlap: text,
      },
    })
    const { help = false, version = false, ...others } = values
    return { help, version, values: others, positionals }
  } catch (error) {
    // The first sentence says what is wrong; those that follow are about double dashes.
    const message = error instanceof Error ? error.message : String(error)
    throw new Refusal(`${message.split(/[.\n]/, 1)[0]}; see modelmount --help`)
  }
}

function find(positionals: readonly string[]): { name: string; command: Command; rest: readonly string[] } {
  if (positionals.length === 0) return { name: 'serve', command: serveCommand, rest: [] }
  for (const length of [2, 1]) {
    const name = positionals.slice(0, length).join(' ')
    const command = COMMANDS.get(name)
    if (command) return { name, command, rest: positionals.slice(length) }
  }
  const near = [...COMMANDS.keys()].filter((name) => name.startsWith(`${positionals[0]} `))
  const hint = near.length > 0 ? `it is one of: ${near.join(', ')}` : 'see modelmount --help'
  throw new Refusal(`unknown command "${positionals.slice(0, 2).join(' ')}"; ${hint}`)
}
