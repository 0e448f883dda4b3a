import type { Dialect } from '../protocols/dialect.js'
import { byFamily, PLAIN } from './families.js'
import type { Provider } from './provider.js'
import { bearer } from './sign.js'

const COMMON: Dialect = { ...PLAIN, temperatures: [0, 1.99], formats: ['json'], maxEmbeddingInputs: 10 }
const PLAINLY: Dialect = { ...COMMON, reasoning: 'none' }

/** While a model thinks, it answers in streams only, and cannot be made to call a tool. */
const HYBRID: Dialect = {
  ...COMMON,
  reasoningField: 'enable_thinking',
  streamsOnly: true,
  toolChoicesReasoning: ['auto', 'none'],
}
const STEPS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max']

const ofFamily = byFamily(
  [
    [/^q[vw]q|thinking/, { ...HYBRID, reasoningEfforts: STEPS, toolChoices: ['auto', 'none'], formats: [] }],
    [/instruct|coder|omni|^qwen(?:1|2|-max|-long|-vl|-math|-mt)/, PLAINLY],
  ],
  HYBRID,
)

/** Models with open weights are named by their size. They have no Messages. */
const OPEN = /-\d[\d.]*b(?:-|$)/

/** Alibaba's Qwen, by DashScope's international address; its mainland one, with keys of its own, is a `baseURL`. */
export const qwen: Provider = {
  id: 'qwen',
  baseURL: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  keyVariable: 'DASHSCOPE_API_KEY',
  speaks: ['openai-chat', 'anthropic-messages'],
  protocolPaths: { 'anthropic-messages': '/apps/anthropic' },
  countsTokens: false,
  dialect: ofFamily,
  profileFor: (model) => (OPEN.test(model) ? { speaks: ['openai-chat'] } : undefined),
  sign: bearer,
  models: ['qwen*', 'qwq*', 'qvq*'],
}
