import type { ChatRequest } from './request.js'

/** What a request asks for beside the conversation itself. */
export type Setting = Exclude<
  keyof ChatRequest,
  'stream' | 'turns' | 'tools' | 'cache' | 'cacheKey' | 'wantsUsage' | 'native'
>

/** How a language spells the settings that it has: `{ topP: 'generationConfig.topP' }`. */
export type Spelling = Readonly<Partial<Record<Setting, string>>>
