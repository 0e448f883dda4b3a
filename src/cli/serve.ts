import { createRelay, type Relay } from '../index.js'
import { codeOf } from '../lib/codes.js'
import type { Command } from './command.js'
import { type Host, startHost } from './host.js'
import { Refusal } from './refusal.js'
import { findSetting, type Setting } from './setting.js'

/** `modelmount`: the relay on a port of its own, until a signal ends it. */
export const serveCommand: Command = {
  options: ['config', 'port', 'host'],
  takes: [],
  async run({ config, port = '8787', host = '127.0.0.1' }) {
    const wanted = readPort(port)
    const setting = await findSetting(config, process.env)
    let relay: Relay | undefined
    try {
      relay = createRelay(setting.options)
      await openStores(relay)
      const server = await startHost(relay, wanted, host)
      endOnSignal(server, setting)
      announce(`http://${inURL(host)}:${server.port}/v1`, setting, relay)
    } catch (error) {
      await relay?.close()
      await setting.close()
      throw error
    }
  },
}

/** @throws {Refusal} in one line, and without what an address may hold of passwords */
async function openStores(relay: Relay): Promise<void> {
  try {
    await relay.ready()
  } catch (error) {
    const reason = error instanceof Error ? error.message || codeOf(error) : String(error)
    throw new Refusal(`store: cannot be opened: ${reason.replace(/\/\/[^@\s]*@/g, '//…@')}`)
  }
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new Refusal(`--port: "${text}" is not a port (0 to 65535)`)
}

function inURL(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** In one write: who reads the first line has the others too. */
function announce(url: string, { greeting }: Setting, relay: Relay): void {
  const first = `listening on ${url}`
  if (!greeting) return console.log(first)
  // An address that means "all" is none that can be called.
  const base = url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
  const names = relay.models.filter((name) => !name.includes('*'))
  const lines = [first, greeting.about, '', `base URL  ${base}`, `key       ${greeting.keyNote}`]
  if (names.length > 0) lines.push(`models    ${names.join(', ')}`)
  const model = names[0] ?? greeting.familiarModel
  console.log([...lines, '', 'Try it:', '', tryLine(base, greeting.keyInShell, model), ''].join('\n'))
}

/** A line for a POSIX shell. */
function tryLine(base: string, key: string, model: string | undefined): string {
  const authorization = `-H "authorization: Bearer ${key}"`
  if (model === undefined) return `curl ${base}/models ${authorization}`
  const messages = [{ role: 'user', content: 'Say hello.' }]
  const body = JSON.stringify({ model, stream: true, messages })
  return `curl -N ${base}/chat/completions ${authorization} -H "content-type: application/json" -d '${body}'`
}

const LAST_RESORT_MS = 2000

/** The first signal ends in peace. The next one meets Node's own default, which ends the process at once. */
function endOnSignal(server: Host, setting: Setting): void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const end = async (): Promise<void> => {
    for (const signal of signals) process.off(signal, end)
    console.error('closing: running answers may finish; a second signal breaks them off')
    await server.close()
    await setting.close()
    process.exitCode = 0
    // Everything of ours has ended. A config module's own timers and sockets must not keep the process.
    setTimeout(() => process.exit(), LAST_RESORT_MS).unref()
  }
  for (const signal of signals) process.on(signal, end)
}
