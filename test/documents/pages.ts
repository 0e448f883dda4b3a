import { readdirSync, readFileSync } from 'node:fs'

const root: URL = new URL('../../', import.meta.url)

/** TypeDoc writes this folder. It is not in the repository, so links into it cannot be checked here. */
export const GENERATED_PAGES = 'docs/reference/api/'

/** The project's Markdown pages: path from the repository's root → text. */
export function readPages(): Map<string, string> {
  const inRoot = readdirSync(root).filter((name) => name.endsWith('.md'))
  const inDocs = (readdirSync(new URL('docs/', root), { recursive: true }) as string[])
    .map((name) => `docs/${name}`)
    .filter((path) => path.endsWith('.md') && !path.startsWith(GENERATED_PAGES) && !path.includes('/.'))
  return new Map([...inRoot, ...inDocs].sort().map((path) => [path, readFileSync(new URL(path, root), 'utf8')]))
}

/** The rows of every table with this head, each row as its cells. Throws when no page has such a table. */
export function tableRows(pages: ReadonlyMap<string, string>, head: string): string[][] {
  const tables = [...pages.values()].flatMap((page) => page.split(`\n${head}\n`).slice(1))
  if (tables.length === 0) throw new Error(`no page has the table ${head}`)
  return tables.flatMap((table) =>
    (table.split('\n\n')[0] ?? '')
      .split('\n')
      .slice(1)
      .filter((row) => row.startsWith('|'))
      .map((row) =>
        row
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  )
}

/** Markdown without its fenced blocks. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The contents of the inline code spans, fenced blocks excluded. */
export function inlineCode(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** A relative link: the page or file that it points to, from the repository's root, and the anchor without `#`. */
export interface Link {
  readonly href: string
  readonly path: string
  readonly anchor: string
}

export function relativeLinks(page: string, markdown: string): Link[] {
  const hrefs = [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = '']) => href)
  return hrefs
    .filter((href) => !/^(?:https?|mailto):/.test(href))
    .map((href) => {
      const [file = '', anchor = ''] = href.split('#')
      const url = new URL(file === '' ? page : file, new URL(file === '' ? '' : page, 'file:///'))
      return { href, path: decodeURI(url.pathname).slice(1), anchor }
    })
}

/**
 * The anchors of a page's headings, if GitHub and VitePress give the heading the same anchor. A heading with two anchors
 * (`node:http` is `nodehttp` and `node-http`) has no anchor here: link to it by a plainer heading.
 */
export function anchorsOf(markdown: string): Set<string> {
  const headings = [...withoutCode(markdown).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = '']) => {
    return heading.replaceAll(/[`*]/g, '').trim().toLowerCase()
  })
  const onCodeHost = headings.map((text) => text.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-'))
  const onSite = headings.map((text) =>
    text.replaceAll(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, '-').replaceAll(/^-|-$/g, ''),
  )
  return new Set(onCodeHost.filter((anchor, index) => anchor === onSite[index]))
}
