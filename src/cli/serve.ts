import { createRelay, type Relay } from '../index.js'
import { errorCodeOf } from '../lib/error-code.js'
import { type Command, CommandError } from './command.js'
import { type RelayServer, startServer } from './server.js'
import { loadSetup, type RelaySetup } from './setup.js'

/** `modelmount`: serves the relay until a signal ends it. */
export const serveCommand: Command = {
  options: ['config', 'port', 'host'],
  argumentNames: [],
  async run({ config, ...options }) {
    const port = readPort(options.port, process.env)
    const host = options.host ?? (process.env.HOST || '127.0.0.1')
    const setup = await loadSetup(config, process.env)
    let relay: Relay | undefined
    try {
      relay = createRelay(setup.options)
      await openStores(relay)
      const server = await startServer(relay, port, host)
      closeOnSignal(server, setup)
      printNotice(`http://${urlHost(host)}:${server.port}/v1`, setup, relay)
    } catch (error) {
      await relay?.close()
      await setup.close()
      throw error
    }
  },
}

/** @throws {CommandError} in one line, without the user and password of an address */
async function openStores(relay: Relay): Promise<void> {
  try {
    await relay.ready()
  } catch (error) {
    const reason = error instanceof Error ? error.message || errorCodeOf(error) : String(error)
    throw new CommandError(`store: cannot be opened: ${reason.replace(/\/\/[^@\s]*@/g, '//…@')}`)
  }
}

/** Hosting platforms and containers choose the port by `PORT`. An empty variable counts as none. */
function readPort(option: string | undefined, { PORT }: NodeJS.ProcessEnv): number {
  const text = option ?? (PORT || '8787')
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new CommandError(`${option === undefined ? 'PORT' : '--port'}: "${text}" is not a port (0 to 65535)`)
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Prints everything in one write: a program that waits for the first line then has the others too. */
function printNotice(url: string, { notice }: RelaySetup, relay: Relay): void {
  const listeningLine = `listening on ${url}`
  if (!notice) return console.log(listeningLine)
  // A client cannot call the address that means "all addresses".
  const baseURL = url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
  const names = relay.models.filter((name) => !name.includes('*'))
  const lines = [listeningLine, notice.description, '', `base URL  ${baseURL}`, `key       ${notice.displayedKey}`]
  if (names.length > 0) lines.push(`models    ${names.join(', ')}`)
  const model = names[0] ?? notice.exampleModel
  console.log([...lines, '', 'Try it:', '', curlLine(baseURL, notice.shellKey, model), ''].join('\n'))
}

/** A command for a POSIX shell. */
function curlLine(baseURL: string, key: string, model: string | undefined): string {
  const authorization = `-H "authorization: Bearer ${key}"`
  if (model === undefined) return `curl ${baseURL}/models ${authorization}`
  const messages = [{ role: 'user', content: 'Say hello.' }]
  const body = JSON.stringify({ model, stream: true, messages })
  return `curl -N ${baseURL}/chat/completions ${authorization} -H "content-type: application/json" -d '${body}'`
}

const EXIT_DELAY_MS = 2000

/** The first signal closes the server. For the second one Node's default applies, which ends the process at once. */
function closeOnSignal(server: RelayServer, setup: RelaySetup): void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const close = async (): Promise<void> => {
    for (const signal of signals) process.off(signal, close)
    console.error('closing: running calls may finish; a second signal aborts them')
    await server.close()
    await setup.close()
    process.exitCode = 0
    // The relay is closed. Timers and sockets of a config module must not keep the process running.
    setTimeout(() => process.exit(), EXIT_DELAY_MS).unref()
  }
  for (const signal of signals) process.on(signal, close)
}
