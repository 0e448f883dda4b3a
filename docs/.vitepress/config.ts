import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { DefaultTheme, UserConfig } from 'vitepress'

const docs: URL = new URL('../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, docs), 'utf8')

/** The home page links to the pages in reading order. The sidebar has the same order. */
const home = read('index.md')

function position(path: string): number {
  const index = home.indexOf(`](${path})`)
  return index === -1 ? home.length : index
}

/** The pages in a folder as links with their first headings as text. Pages that the home page omits come last. */
function pagesIn(folder: string): DefaultTheme.SidebarItem[] {
  if (!existsSync(new URL(folder, docs))) return []
  const paths = readdirSync(new URL(folder, docs))
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .sort()
    .map((name) => folder + name)
  return paths
    .sort((a, b) => position(a) - position(b))
    .map((path) => ({ text: /^# (.+)$/m.exec(read(path))?.[1] ?? path, link: `/${path}` }))
}

/** TypeDoc writes these pages before a build. Under `vitepress dev` alone they may be missing. */
const api = [...pagesIn('reference/api/'), ...pagesIn('reference/api/modelmount/')]

const config: UserConfig<DefaultTheme.Config> = {
  title: 'modelmount',
  description: 'An OpenAI-compatible LLM relay that you mount inside your own Node app.',
  lang: 'en',
  ignoreDeadLinks: api.length > 0 ? false : [/reference\/api\//],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/quick-start', activeMatch: '^/guide/' },
      { text: 'Reference', link: '/reference/config', activeMatch: '^/reference/' },
      { text: 'Internals', link: '/internals/architecture', activeMatch: '^/internals/' },
    ],
    sidebar: [
      { text: 'Guide', items: pagesIn('guide/') },
      {
        text: 'Reference',
        items: [...pagesIn('reference/'), { text: 'API', link: '/reference/api/', collapsed: true, items: api }],
      },
      { text: 'Internals', items: pagesIn('internals/') },
    ],
  },
}

export default config
