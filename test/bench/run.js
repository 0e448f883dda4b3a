// npm run bench [-- SCENARIO …] [-- --rounds N …]: compares the relay with a bare undici proxy and a bare http-proxy-3.
// `--against REV` compares this tree with a revision instead, and fails where it costs over 5 % more.
// `call` measures the relay's own code without sockets, `admission` limits and budgets in a loop, `upload` a form of 25 MB,
// and `sockets` the messages of a realtime session. These four need no kit.
//
// The load kit (a native upstream, a load generator and the servers to compare with) is not part of the project.
// The script takes it from MODELMOUNT_BENCH_KIT or ../shared/bench, and runs a copy in the system's temp folder.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compare } from './against.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const kit = resolve(process.env.MODELMOUNT_BENCH_KIT ?? join(root, '../shared/bench'))
const copy = join(tmpdir(), 'modelmount-bench-kit')
const bareUndici = 'bare:undici-dispatch-end'
/** A bare server that hashes the body and answers with bytes from a Map. */
const cached = 'hello:http-cache'

/** The targets of each scenario. */
const plan = {
  s1: [
    bareUndici,
    'http-proxy-3',
    'modelmount',
    'modelmount:counted',
    'modelmount:attach',
    'modelmount:koa',
    'modelmount:express',
  ],
  s2: [bareUndici, 'http-proxy-3', 'modelmount'],
  s3: [bareUndici, 'modelmount'],
  s3s: [bareUndici, 'http-proxy-3', 'modelmount'],
  s4: ['translate:anthropic-parse', 'modelmount'],
  s4s: ['translate:anthropic-parse', 'modelmount'],
  s4p: ['translate:anthropic-parse', 'modelmount'],
  s4r: ['modelmount'],
  s4rs: ['modelmount'],
  s5: ['translate:gemini-parse', 'modelmount'],
  s5s: ['translate:gemini-parse', 'modelmount'],
  s5p: ['translate:gemini-parse', 'modelmount'],
  s6: [bareUndici, 'modelmount'],
  s7: [cached, 'modelmount'],
  s8: [bareUndici, 'modelmount'],
  s9k10: ['modelmount'],
  s9k100000: ['modelmount'],
  s9c1: ['modelmount'],
  s9c100: ['modelmount'],
  s10: ['modelmount'],
}

/** The benchmarks that need no kit. */
const own = { call: 'call.js', admission: 'admission.js', upload: 'upload.js', sockets: 'sockets.js' }

const words = process.argv.slice(2)
/** The revision to compare with: `--against REV`. */
const [, revision] = words.includes('--against') ? words.splice(words.indexOf('--against'), 2) : []
const scenarios = words.filter((word) => word in plan)
const ours = words.filter((word) => word in own)
const options = words.filter((word) => !(word in plan) && !(word in own))

const run = (command, args, cwd, env = {}) => {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  // Thrown, so that what is open is cleaned up first.
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')}: ended with ${status}`)
}

run('npm', ['run', '--silent', 'build'], root)
/** With `--against` alone: the paths that most calls take. */
const usual = revision ? ['s1', 's2', 's4', 's4s'] : Object.keys(plan)
const chosen = scenarios.length > 0 || ours.length > 0 ? scenarios : usual
for (const name of ours)
  run(process.execPath, ['--expose-gc', '--import', 'tsx', join(root, 'test/bench', own[name]), ...options], root)
if (chosen.length > 0 && !existsSync(kit)) {
  console.error(`no bench kit at ${kit}: set MODELMOUNT_BENCH_KIT`)
  process.exit(1)
}
if (chosen.length > 0 && !existsSync(join(copy, 'node_modules'))) {
  mkdirSync(copy, { recursive: true })
  cpSync(kit, copy, { recursive: true, filter: (from) => !from.includes('node_modules') })
  run('npm', ['ci', '--no-audit', '--no-fund'], copy)
}
const baselineOf = (scenario) => (plan[scenario].includes(bareUndici) ? bareUndici : plan[scenario][0])
if (revision) {
  const scenarios = chosen.filter((scenario) => scenario !== 's8')
  if (scenarios.length < chosen.length) console.log('s8 has no CPU time per call, so it is not compared')
  const { lines, hasLost } = compare({ root, kit: copy, revision, scenarios, baselineOf, options, run })
  console.log(lines.join('\n'))
  process.exit(hasLost ? 1 : 0)
}
for (const scenario of chosen) {
  const names = plan[scenario].join(',')
  run(
    process.execPath,
    ['run.js', scenario, '--targets', names, '--baseline', baselineOf(scenario), ...options],
    copy,
    {
      RELAY_TARGETS: join(root, 'test/bench/targets.js'),
    },
  )
}
