import { readdirSync } from 'node:fs'

/** The folder itself, and every file and folder below it, relative to `root`. Folders end in `/`. */
export function pathsBelow(folder: string, root: URL): string[] {
  const entries = readdirSync(new URL(folder, root), { withFileTypes: true })
  return [
    folder,
    ...entries.flatMap((entry) =>
      entry.isDirectory() ? pathsBelow(`${folder}${entry.name}/`, root) : [folder + entry.name],
    ),
  ]
}
