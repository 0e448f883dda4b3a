// Installs the packed package into each host, builds and starts the host, and calls it as a client does.
// node test/hosts/run.mjs [--tarball FILE] [NAME ...]    without names: every folder beside this file
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { checkCompletions, checkFiles, checkSockets } from './client.mjs'
import { startUpstream } from './upstream.mjs'

/** Hosts at the same time. The machines of CI have two cores. */
const JOBS = 2
const STEP_TIMEOUT_MS = 180_000
const START_TIMEOUT_MS = 30_000
const STOP_TIMEOUT_MS = 5000
const CHECKS = { completions: checkCompletions, files: checkFiles, sockets: checkSockets }
const INSTALL =
  'npm install --no-package-lock --no-audit --no-fund --prefer-offline --no-update-notifier --loglevel=error'
/** Nothing but npm may use the network. */
const QUIET = { NEXT_TELEMETRY_DISABLED: '1', DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1' }

const { values, positionals } = parseArgs({ allowPositionals: true, options: { tarball: { type: 'string' } } })
const folder = import.meta.dirname
const known = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'package.json')))
const unknown = positionals.filter((name) => !known.includes(name))
assert.deepEqual(unknown, [], `the hosts are: ${known.join(', ')}`)

const begun = performance.now()
const elsewhere = mkdtempSync(join(tmpdir(), 'modelmount-hosts-'))
process.once('exit', () => rmSync(elsewhere, { recursive: true, force: true }))
const tarball = values.tarball ? resolve(values.tarball) : await pack()
const upstream = await startUpstream()

const rows = {}
const waiting = positionals.length > 0 ? positionals : known
await Promise.all(Array.from({ length: JOBS }, runHosts))
upstream.close()
console.table(rows)
console.log(`${Object.keys(rows).length} hosts in ${secondsSince(begun)} s, from Node ${process.versions.node}`)
if (Object.values(rows).some(({ result }) => result !== 'ok')) process.exitCode = 1

async function pack() {
  const options = { cwd: join(folder, '../..') }
  const { stdout } = await promisify(execFile)('npm', ['pack', '--silent', '--pack-destination', elsewhere], options)
  return join(elsewhere, stdout.trim().split('\n').at(-1))
}

async function runHosts() {
  for (let name = waiting.shift(); name; name = waiting.shift()) {
    const row = { versions: '', 'install s': '', 'build s': '', 'check s': '', 'start ms': '', result: '' }
    rows[name] = row
    await runHost(name, row).catch((error) => {
      row.result = 'failed'
      console.error(`\n${name}: ${error.message}\n`)
    })
    console.log(`${name}: ${row.result}`)
  }
}

async function runHost(name, row) {
  const host = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8'))
  const { scripts, hosts: { source, checks = {} } = {} } = host
  row.versions = listVersions(host)
  const cwd = join(elsewhere, name)
  if (source) copySources(join(folder, source), cwd)
  cpSync(join(folder, name), cwd, { recursive: true })
  cpSync(join(folder, 'one-class.cjs'), join(cwd, 'one-class.cjs'))

  const env = { ...process.env, ...QUIET, UPSTREAM: upstream.baseURL }
  // As npm does it. npm itself would stand between the signal and the host.
  env.PATH = `${join(cwd, 'node_modules/.bin')}:${env.PATH}`
  for (const [step, command] of [
    ['install', `${INSTALL} ${tarball}`],
    ['build', scripts.build],
    ['check', scripts.check],
  ]) {
    if (!command) continue
    const stepBegun = performance.now()
    await runStep(command, { cwd, env })
    row[`${step} s`] = secondsSince(stepBegun)
  }
  for (const [script, command] of Object.entries(scripts)) {
    if (!script.startsWith('start')) continue
    const startMs = await callHost(command, { cwd, env }, ['completions', ...(checks[script] ?? [])], name)
    row['start ms'] = `${row['start ms']} ${startMs}`.trim()
  }
  row.result = 'ok'
  // Twenty of them would fill the disk of a small machine.
  rmSync(cwd, { recursive: true, force: true })
}

function listVersions({ dependencies, devDependencies, optionalDependencies }) {
  const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies })
  const named = all.filter(([name]) => !name.startsWith('@types/'))
  // Node comes in one package per platform.
  return [...new Set(named.map(([name, version]) => `${name.replace(/^node-linux-.*/, 'node')} ${version}`))].join(', ')
}

function copySources(from, to) {
  const isSource = (file) => file === from || /\.tsx?$/.test(file)
  cpSync(from, to, { recursive: true, filter: isSource })
}

async function runStep(command, options) {
  const running = run(command, { ...options, timeout: STEP_TIMEOUT_MS })
  const [code, signal] = await running.exit
  assert.ok(code === 0, `${command}: ${signal ?? code}\n${running.output()}`)
}

/** Starts the host, runs the checks and stops it. Returns how long it took to listen, in ms. */
async function callHost(command, { cwd, env }, checks, name) {
  const port = await freePort()
  const startBegun = performance.now()
  // `exec`: the signal must reach the host, not its shell.
  const running = run(`exec ${command}`, { cwd, env: { ...env, PORT: String(port) } })
  try {
    await waitUntilListening(port, running)
    const startMs = Math.round(performance.now() - startBegun)
    for (const check of checks) {
      const checking = CHECKS[check](`http://127.0.0.1:${port}/v1`, upstream, name)
      await checking.catch((cause) => assert.fail(`${check}: ${cause.stack}`))
    }
    running.child.kill('SIGTERM')
    const end = await Promise.race([running.exit, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })])
    assert.ok(end, `does not stop within ${STOP_TIMEOUT_MS} ms of SIGTERM`)
    const [code, signal] = end
    assert.ok(code === 0 || code === 143 || signal === 'SIGTERM', `stops with ${signal ?? code}`)
    return startMs
  } catch (error) {
    error.message = `${command}: ${error.message}\n${running.output()}`
    throw error
  } finally {
    running.child.kill('SIGKILL')
  }
}

function run(command, options) {
  const child = spawn('sh', ['-c', command], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk))
  return { child, exit: once(child, 'close'), output: () => Buffer.concat(chunks).toString().slice(-8000) }
}

async function waitUntilListening(port, { child }) {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    assert.ok(child.exitCode === null, 'ends before it listens')
    assert.ok(performance.now() < deadline, `does not listen within ${START_TIMEOUT_MS} ms`)
    await sleep(20)
  }
}

function accepts(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => done(true)).on('error', () => done(false))
    socket.on('connect', () => socket.destroy())
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function secondsSince(start) {
  return Math.round((performance.now() - start) / 100) / 10
}
