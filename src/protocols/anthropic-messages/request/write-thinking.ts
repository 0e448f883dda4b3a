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
  /** The model thinks, so the request may not set sampling. */
  readonly isOn: boolean
}

const NOT: Thinking = { field: {}, isOn: false }
const OFF: Thinking = { field: { thinking: { type: 'disabled' } }, isOn: false }

/** Fewer tokens to think with are refused. */
const LEAST_BUDGET = 1024
const STEPS: readonly Effort[] = ['none', 'low', 'medium', 'high', 'xhigh', 'max']

/** How the model is to think, in the way that it takes. */
export function writeThinking(
  request: ChatRequest,
  messages: readonly Message[],
  maxTokens: number,
  options: WriteOptions,
): Thinking {
  const { reasoning } = request
  const { thinking } = nativeFields(request.native)
  if (thinking !== undefined) return { field: {}, isOn: true, ...(reasoning?.effort && { effort: reasoning.effort }) }
  if (!reasoning || (reasoning.effort === undefined && reasoning.budget === undefined)) return NOT
  const way = wayOf(reasoning, options.dialect)
  if (way === 'none') {
    recordNoReasoning(reasoning, options.losses)
    return NOT
  }
  const isOff = !asksToReason(reasoning)
  if (isOff && (way === 'budget' || supportedEfforts(options.dialect.reasoningEfforts, STEPS).includes('none')))
    return OFF
  return way === 'adaptive' ? adaptive(reasoning, options) : manual(request, messages, maxTokens, options)
}

type Way = 'adaptive' | 'budget' | 'none'

/** A provider that accepts every form gets the form that the client used. */
function wayOf({ effort }: Reasoning, { reasoning: way }: Dialect): Way {
  if (way === 'effort') return 'adaptive'
  return way ?? (effort !== undefined ? 'adaptive' : 'budget')
}

function adaptive(reasoning: Reasoning, { dialect, losses }: WriteOptions): Thinking {
  const wanted = requestedEffort(reasoning)
  const field = { thinking: { type: 'adaptive', ...display(reasoning.visible) } }
  return {
    field,
    isOn: true,
    ...(wanted && { effort: chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts, STEPS), losses) }),
  }
}

/** Shown is how the older models have it anyway; some places know no other. */
function display(visible: boolean | undefined, byDefault?: boolean): object {
  return visible === undefined || visible === byDefault ? {} : { display: visible ? 'summarized' : 'omitted' }
}

function manual(
  request: ChatRequest,
  messages: readonly Message[],
  maxTokens: number,
  { losses }: WriteOptions,
): Thinking {
  const hindrance = hindranceOf(request, messages, maxTokens)
  if (hindrance) {
    losses.setting('reasoning', hindrance)
    return NOT
  }
  const budget_tokens = budgetOf(request.reasoning ?? {}, maxTokens, losses)
  const thinking = { type: 'enabled', budget_tokens, ...display(request.reasoning?.visible, true) }
  return { field: { thinking }, isOn: true }
}

/** Why the model may not think with a budget; undefined if it may. */
function hindranceOf(request: ChatRequest, messages: readonly Message[], maxTokens: number): string | undefined {
  if (maxTokens <= LEAST_BUDGET) return `the output cap leaves no room for ${LEAST_BUDGET} tokens of reasoning`
  if (isForced(request.toolChoice) && request.tools.length > 0)
    return 'a model that must call a tool cannot reason first'
  if (messages.at(-1)?.role === 'assistant') return 'a model that goes on with an answer cannot reason first'
  const last = messages.findLast(({ role }) => role === 'assistant')
  const calls = last?.parts.some(({ block }) => block.type === 'tool-call')
  if (!calls || last?.parts[0]?.block.type === 'reasoning') return undefined
  return 'the reasoning before the last tool call is missing'
}

/** Half of the cap is left for the answer, unless the caller counted the tokens. */
function budgetOf({ effort, budget = -1 }: Reasoning, maxTokens: number, losses: WriteOptions['losses']): number {
  const counted = effort === undefined && budget > 0
  const wanted = counted ? budget : budgets[effort ?? 'medium']
  const most = counted ? maxTokens - 1 : Math.floor(maxTokens / 2)
  const taken = Math.max(LEAST_BUDGET, Math.min(wanted, most))
  if (counted && taken !== budget)
    losses.setting('reasoning', `is ${taken} tokens, the nearest that this model supports`)
  return taken
}
