#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { type Command, CommandError, type CommandOptions } from './cli/command.js'
import { checkCommand, schemaCommand } from './cli/config-commands.js'
import { helpText } from './cli/help.js'
import { createKey, listKeys, revokeKey, rotateKey } from './cli/key-commands.js'
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
  // Users can correct these errors by their message. Any other error is a bug, so its stack is printed too.
  const isUserError = error instanceof CommandError || error instanceof ConfigError
  console.error(isUserError ? error.message : error)
  process.exitCode = 1
}

async function main(args: string[]): Promise<void> {
  const { help, version: wantsVersion, options, positionals } = parseCommandLine(args)
  if (help) return console.log(helpText)
  if (wantsVersion) return console.log(version)
  const { name, command, commandArgs } = findCommand(positionals)
  const unknownOption = Object.keys(options).find((option) => !command.options.some((known) => known === option))
  if (unknownOption) throw new CommandError(`--${unknownOption}: not an option of \`modelmount ${name}\``)
  const { argumentNames } = command
  if (commandArgs.length > argumentNames.length) {
    throw new CommandError(`unexpected "${commandArgs[argumentNames.length]}": see modelmount --help`)
  }
  const missing = argumentNames[commandArgs.length]
  if (missing) throw new CommandError(`modelmount ${name}: ${missing} is missing: see modelmount --help`)
  await command.run(withConfigVariable(command, options), commandArgs)
}

/** Where an option names no config, the environment may. An empty variable counts as none. */
function withConfigVariable(command: Command, options: CommandOptions): CommandOptions {
  const { MODELMOUNT_CONFIG } = process.env
  if (!MODELMOUNT_CONFIG || options.config !== undefined || !command.options.includes('config')) return options
  return { ...options, config: MODELMOUNT_CONFIG }
}

interface CommandLine {
  readonly help: boolean
  readonly version: boolean
  readonly options: CommandOptions
  readonly positionals: readonly string[]
}

function parseCommandLine(args: string[]): CommandLine {
  const text = { type: 'string' } as const
  try {
    const { values, positionals } = parseArgs({
      args,
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
    const { help = false, version = false, ...options } = values
    return { help, version, options, positionals }
  } catch (error) {
    // Only the first sentence of Node's message says what is wrong. The others explain double dashes.
    const message = error instanceof Error ? error.message : String(error)
    throw new CommandError(`${message.split(/[.\n]/, 1)[0]}: see modelmount --help`)
  }
}

interface FoundCommand {
  readonly name: string
  readonly command: Command
  /** The arguments after the name of the command. */
  readonly commandArgs: readonly string[]
}

function findCommand(positionals: readonly string[]): FoundCommand {
  if (positionals.length === 0) return { name: 'serve', command: serveCommand, commandArgs: [] }
  for (const length of [2, 1]) {
    const name = positionals.slice(0, length).join(' ')
    const command = COMMANDS.get(name)
    if (command) return { name, command, commandArgs: positionals.slice(length) }
  }
  const subcommands = [...COMMANDS.keys()].filter((name) => name.startsWith(`${positionals[0]} `))
  const hint = subcommands.length > 0 ? `use one of: ${subcommands.join(', ')}` : 'see modelmount --help'
  throw new CommandError(`unknown command "${positionals.slice(0, 2).join(' ')}": ${hint}`)
}
