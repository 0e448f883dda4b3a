// npm run bench -- --against REV [SCENARIO …]: measures this tree and a revision in alternation, in one run of the kit. Fails
// where a scenario costs over 5 % more than at the revision.
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A larger loss fails. Two runs of the same code differ by up to 3 %. */
const MAX_LOSS = 0.05
/** A scenario that lost is measured once more, with more rounds: a busy machine is the usual reason. */
const SECOND_ROUNDS = 15

/**
 * Compares scenarios. `run` starts a command and throws where it fails. `baselineOf` gives the server that both
 * are compared with. Returns the lines of a report, and whether a scenario lost.
 */
export function compare({ root, kit, revision, scenarios, baselineOf, options, run }) {
  const folder = mkdtempSync(join(tmpdir(), 'modelmount-against-'))
  const tree = join(folder, 'tree')
  try {
    checkOut(root, tree, revision, run)
    const targets = join(folder, 'targets.mjs')
    writeFileSync(targets, targetsOf(root, tree))
    const measure = (scenario, more = []) => {
      const file = join(folder, `${scenario}.json`)
      const names = `${baselineOf(scenario)},modelmount,before`
      const args = ['run.js', scenario, '--targets', names, '--baseline', baselineOf(scenario), '--json', file]
      run(process.execPath, [...args, ...options, ...more], kit, { RELAY_TARGETS: targets })
      return changeIn(JSON.parse(readFileSync(file, 'utf8')))
    }
    const changes = scenarios.map((scenario) => {
      const first = measure(scenario)
      const change = first > MAX_LOSS ? measure(scenario, ['--rounds', String(SECOND_ROUNDS)]) : first
      return { scenario, change }
    })
    const lines = changes.map(({ scenario, change }) => `${scenario}: ${percent(change)} against ${revision}`)
    return { lines, hasLost: changes.some(({ change }) => change > MAX_LOSS) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    // Not `remove`, which fails where the revision could not be checked out.
    run('git', ['worktree', 'prune'], root)
  }
}

/** Checks a revision out and builds it, with this tree's packages where its lock file is the same. */
function checkOut(root, tree, revision, run) {
  run('git', ['worktree', 'add', '--quiet', '--detach', tree, revision], root)
  const lock = (folder) => readFileSync(join(folder, 'package-lock.json'), 'utf8')
  if (lock(tree) === lock(root)) symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  else run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], tree)
  run('npm', ['run', '--silent', 'build'], tree)
}

/** The kit's targets: those of this tree, and those of the revision under the name `before`. */
function targetsOf(root, tree) {
  const at = (folder) => JSON.stringify(pathToFileURL(join(folder, 'test/bench/targets.js')).href)
  return `import { targets as now } from ${at(root)}
import { targets as before } from ${at(tree)}
export const targets = [
  ...now,
  ...before.map((target) => ({ ...target, name: target.name.replace('modelmount', 'before') })),
]
`
}

/** The change of CPU time, as a share: 0.05 is 5 % more. The lower of medians and best thirds, since noise only ever adds. */
function changeIn({ rows }) {
  const [now, before] = ['modelmount', 'before'].map((name) => rows.find(({ target }) => target === name))
  return Math.min(now.cpu_us / before.cpu_us, now.cpu_best / before.cpu_best) - 1
}

function percent(share) {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} % CPU time`
}
