/** One instruction of a Dockerfile. */
export interface Instruction {
  /** `RUN` */
  readonly name: string
  /** All after the name, with continued lines joined. */
  readonly text: string
}

/** Reads the part of the Dockerfile syntax that the project's own file uses: one list of instructions per stage. */
export function readDockerfile(text: string): readonly (readonly Instruction[])[] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, '')
    .split('\n')
  const stages: Instruction[][] = []
  for (const line of lines.filter((one) => one.trim() !== '')) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === '') throw new Error(`not an instruction: ${line}`)
    if (name === 'FROM') stages.push([])
    stages.at(-1)?.push({ name, text: rest.trim() })
  }
  return stages
}

/** Whether `.dockerignore` lets a file into the build: the last pattern that matches decides. Only plain names and `*`. */
export function isInContext(file: string, dockerignore: string): boolean {
  const patterns = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  let isIgnored = false
  for (const pattern of patterns) {
    const name = pattern.replace(/^!/, '')
    if (name === '*' || file === name || file.startsWith(`${name}/`)) isIgnored = !pattern.startsWith('!')
  }
  return !isIgnored
}
