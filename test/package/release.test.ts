import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

interface Job {
  readonly needs?: string
  readonly permissions: Readonly<Record<string, string>>
  readonly steps: readonly { readonly uses?: string; readonly run?: string }[]
}

const text = readFileSync(new URL('../../.github/workflows/release.yml', import.meta.url), 'utf8')
const workflow = parse(text) as { readonly permissions: object; readonly jobs: Readonly<Record<string, Job>> }
const { pack, publish, attach } = workflow.jobs

const commandsOf = (job: Job | undefined): string => job?.steps.flatMap(({ run }) => run ?? []).join('\n') ?? ''

describe('.github/workflows/release.yml', () => {
  it('pins each action to a commit and names its version', () => {
    const uses = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action)
    expect(uses.length).toBeGreaterThan(0)
    for (const action of uses) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })

  it('gives each job only the rights that it needs', () => {
    expect(workflow.permissions).toEqual({})
    expect(pack?.permissions).toEqual({ contents: 'read' })
    expect(publish?.permissions).toEqual({ 'id-token': 'write' })
    expect(attach?.permissions).toEqual({ contents: 'write' })
  })

  it('publishes what it has checked and packed, with provenance and a list of parts', () => {
    expect([publish?.needs, attach?.needs]).toEqual(['pack', 'publish'])
    expect(commandsOf(pack)).toMatch(/\.ci\/run[\s\S]*npm pack[\s\S]*npm sbom --sbom-format cyclonedx/)
    expect(commandsOf(publish)).toBe('npm publish --provenance --access public ./modelmount-*.tgz')
    expect(commandsOf(attach)).toContain('gh release create')
  })

  it('uses no token and no registry of its own', () => {
    expect(text).not.toMatch(/secrets\.|registry-url|https?:/)
  })
})
