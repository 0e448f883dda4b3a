import { readdirSync } from 'node:fs'

/** The paths that a map in a document names: one a line, indented by two below its folder, `/` behind a folder. */
export function pathsIn(map: string): string[] {
  const above: string[] = []
  return map
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, indent = '', name = ''] = /^( *)(\S+)/.exec(line) ?? []
      above.length = indent.length / 2
      const path = above.join('') + name
      above.push(name)
      return path
    })
}

/** Every file and folder below a folder, and the folder, as {@link pathsIn} would have them. */
export function pathsBelow(folder: string, root: URL): string[] {
  const entries = readdirSync(new URL(folder, root), { withFileTypes: true })
  return [
    folder,
    ...entries.flatMap((entry) =>
      entry.isDirectory() ? pathsBelow(`${folder}${entry.name}/`, root) : [folder + entry.name],
    ),
  ]
}
