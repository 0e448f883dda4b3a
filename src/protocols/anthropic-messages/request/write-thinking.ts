import { budgets, type Effort, supportedEfforts } from '../../../chat/effort.js'
import { asksToReason, chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Reasoning } from '../../../chat/request.js'
import type { Dialect } from '../../dialect.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFields } from '../native.js'
import type { Message } from './write-blocks.js'
import { isForced } from './write-tools.js'

/** The reasoning fields of a request. */
export interface Thinking {
  /** `{ thinking }`, or empty. */
  readonly field: object
  readonly effort?: Effort
  /** The model thinks, so the request must not set sampling. */
  readonly isOn: boolean
}

const UNSET: Thinking = { field: {}, isOn: false }
const DISABLED: Thinking = { field: { thinking: { type: 'disabled' } }, isOn: false }

/** In tokens. Anthropic refuses a smaller budget. */
const MIN_BUDGET = 1024
const EFFORTS: readonly Effort[] = ['none', 'low', 'medium', 'high', 'xhigh', 'max']

/** Writes how the model thinks, in the form that the dialect supports. */
export function writeThinking(
  request: ChatRequest,
  messages: readonly Message[],
  maxTokens: number,
  options: WriteOptions,
): Thinking {
  const { reasoning } = request
  const { thinking } = nativeFields(request.native)
  if (thinking !== undefined) return { field: {}, isOn: true, ...(reasoning?.effort && { effort: reasoning.effort }) }
  if (!reasoning || (reasoning.effort === undefined && reasoning.budget === undefined)) return UNSET
  const form = formFor(reasoning, options.dialect)
  if (form === 'none') {
    recordNoReasoning(reasoning, options.losses)
    return UNSET
  }
  const isOff = !asksToReason(reasoning)
  if (isOff && (form === 'budget' || supportedEfforts(options.dialect.reasoningEfforts, EFFORTS).includes('none')))
    return DISABLED
  return form === 'adaptive' ? withEffort(reasoning, options) : withBudget(request, messages, maxTokens, options)
}

type ReasoningForm = 'adaptive' | 'budget' | 'none'

/** A provider that accepts every form gets the form that the client used. */
function formFor({ effort }: Reasoning, { reasoning: form }: Dialect): ReasoningForm {
  if (form === 'effort') return 'adaptive'
  return form ?? (effort !== undefined ? 'adaptive' : 'budget')
}

function withEffort(reasoning: Reasoning, { dialect, losses }: WriteOptions): Thinking {
  const wanted = requestedEffort(reasoning)
  const field = { thinking: { type: 'adaptive', ...display(reasoning.visible) } }
  return {
    field,
    isOn: true,
    ...(wanted && { effort: chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts, EFFORTS), losses) }),
  }
}

/** Leaves `display` out where it is the model's default, since some providers do not know the field. */
function display(visible: boolean | undefined, byDefault?: boolean): object {
  return visible === undefined || visible === byDefault ? {} : { display: visible ? 'summarized' : 'omitted' }
}

function withBudget(
  request: ChatRequest,
  messages: readonly Message[],
  maxTokens: number,
  { losses }: WriteOptions,
): Thinking {
  const conflict = budgetConflict(request, messages, maxTokens)
  if (conflict) {
    losses.setting('reasoning', conflict)
    return UNSET
  }
  const budget_tokens = budgetOf(request.reasoning ?? {}, maxTokens, losses)
  const thinking = { type: 'enabled', budget_tokens, ...display(request.reasoning?.visible, true) }
  return { field: { thinking }, isOn: true }
}

/** Returns why this request rules out thinking with a budget, or undefined where it allows it. */
function budgetConflict(request: ChatRequest, messages: readonly Message[], maxTokens: number): string | undefined {
  if (maxTokens <= MIN_BUDGET) return `the output cap leaves no room for ${MIN_BUDGET} tokens of reasoning`
  if (isForced(request.toolChoice) && request.tools.length > 0)
    return 'a model that must call a tool cannot reason first'
  if (messages.at(-1)?.role === 'assistant') return 'a model that continues an assistant message cannot reason first'
  const last = messages.findLast(({ role }) => role === 'assistant')
  const calls = last?.blocks.some(({ block }) => block.type === 'tool-call')
  if (!calls || last?.blocks[0]?.block.type === 'reasoning') return undefined
  return 'the reasoning before the last tool call is missing'
}

/**
 * In tokens, at least {@link MIN_BUDGET}. An effort, which wins over a budget, leaves half of `maxTokens` for the answer.
 */
function budgetOf({ effort, budget = -1 }: Reasoning, maxTokens: number, losses: WriteOptions['losses']): number {
  const isExplicit = effort === undefined && budget > 0
  const wanted = isExplicit ? budget : budgets[effort ?? 'medium']
  const limit = isExplicit ? maxTokens - 1 : Math.floor(maxTokens / 2)
  const allowed = Math.max(MIN_BUDGET, Math.min(wanted, limit))
  if (isExplicit && allowed !== budget)
    losses.setting('reasoning', `is ${allowed} tokens, the nearest that this model supports`)
  return allowed
}
