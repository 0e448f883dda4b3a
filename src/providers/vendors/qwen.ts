import type { Dialect } from '../../protocols/dialect.js'
import { BASIC_SERVER, byFamily } from '../families.js'
import type { Provider } from '../provider.js'
import { bearer } from '../provider.js'

const COMMON: Dialect = {
  ...BASIC_SERVER,
  temperatureRange: [0, 1.99],
  outputFormats: ['json'],
  maxEmbeddingInputs: 10,
}
const PLAINLY: Dialect = { ...COMMON, reasoning: 'none' }

/** A reasoning model answers in streams only, and cannot be forced to call a tool. */
const HYBRID: Dialect = {
  ...COMMON,
  reasoningField: 'enable_thinking',
  streamsOnly: true,
  toolChoicesWhileReasoning: ['auto', 'none'],
}
const STEPS = ['minimal', 'low', 'medium', 'high', 'xhigh', 'max']

const ofFamily = byFamily(
  [
    [/^q[vw]q|thinking/, { ...HYBRID, reasoningEfforts: STEPS, toolChoices: ['auto', 'none'], outputFormats: [] }],
    [/instruct|coder|omni|^qwen(?:1|2|-max|-long|-vl|-math|-mt)/, PLAINLY],
  ],
  HYBRID,
)

/** Open-weight models have their size in the name. They do not speak Anthropic's protocol. */
const OPEN = /-\d[\d.]*b(?:-|$)/

/** Alibaba's Qwen, by DashScope's international API. The Chinese API, with keys of its own, needs a `baseURL`. */
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
