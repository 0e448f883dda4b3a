import { budgets, efforts, supportedEfforts } from '../../chat/effort.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../chat/reasoning.js'
import type { ChatRequest, Reasoning } from '../../chat/request.js'
import type { ReasoningField } from '../dialect.js'
import type { Field } from '../field.js'
import type { WriteOptions } from '../protocol.js'

/**
 * How hard the model should think: OpenAI's `reasoning_effort`, else OpenRouter's `reasoning`, else DeepSeek's and
 * Kimi's `thinking`, else Qwen's `enable_thinking` with its budget.
 */
export function readReasoningWish(body: Field): Reasoning | undefined {
  const effort = body.get('reasoning_effort')
  if (effort.given) return { effort: effort.oneOf(efforts) }
  const reasoning = body.get('reasoning')
  if (reasoning.given) return readOpenRouter(reasoning)
  const thinking = body.get('thinking')
  if (thinking.given) return readThinking(thinking)
  if (body.get('enable_thinking').maybeBoolean() === false) return { effort: 'none' }
  const budget = body.get('thinking_budget').maybeInteger()
  return budget === undefined ? undefined : { budget }
}

function readOpenRouter(field: Field): Reasoning {
  field.object()
  const effort = field.get('effort')
  const budget = field.get('max_tokens').maybeInteger()
  const hidden = field.get('exclude').maybeBoolean()
  const off = field.get('enabled').maybeBoolean() === false
  return {
    effort: off ? 'none' : effort.given ? effort.oneOf(efforts) : undefined,
    budget: off ? undefined : budget,
    visible: hidden === undefined ? undefined : !hidden,
  }
}

function readThinking(field: Field): Reasoning | undefined {
  field.object()
  if (field.get('type').text() === 'disabled') return { effort: 'none' }
  const budget = field.get('budget_tokens').maybeInteger()
  return budget === undefined ? undefined : { budget }
}

/** As near as the place takes it, in the field that it has for it. */
export function writeReasoning({ reasoning = {} }: ChatRequest, writing: WriteOptions): object {
  const { dialect, losses } = writing
  if (dialect.reasoning === 'none') {
    recordNoReasoning(reasoning, losses)
    return {}
  }
  return WRITERS[dialect.reasoningField ?? 'reasoning_effort'](reasoning, writing)
}

const WRITERS: Readonly<Record<ReasoningField, (reasoning: Reasoning, writing: WriteOptions) => object>> = {
  reasoning_effort: writeEffort,
  reasoning: writeOpenRouter,
  thinking: writeSwitch,
  enable_thinking: writeBudget,
}

function writeEffort(reasoning: Reasoning, { dialect, losses }: WriteOptions): object {
  const wanted = requestedEffort(reasoning)
  return wanted === undefined
    ? {}
    : { reasoning_effort: chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts), losses) }
}

function writeOpenRouter({ effort, budget = -1, visible }: Reasoning, { dialect, losses }: WriteOptions): object {
  const amount =
    effort === undefined
      ? budget >= 0 && (budget === 0 ? { effort: 'none' } : { max_tokens: budget })
      : { effort: chooseEffort(effort, supportedEfforts(dialect.reasoningEfforts), losses) }
  const hidden = visible === false && { exclude: true }
  return amount || hidden ? { reasoning: { ...amount, ...hidden } } : {}
}

/** On or off; how hard, where it takes steps of effort beside the switch. */
function writeSwitch(reasoning: Reasoning, writing: WriteOptions): object {
  const wanted = requestedEffort(reasoning)
  if (wanted === undefined) return {}
  const { reasoningEfforts: taken } = writing.dialect
  const isOff = wanted === 'none' && (!taken || taken.includes('none'))
  if (isOff) return { thinking: { type: 'disabled' } }
  return { thinking: { type: 'enabled' }, ...(taken && writeEffort(reasoning, writing)) }
}

function writeBudget(reasoning: Reasoning, { dialect, losses }: WriteOptions): object {
  const { effort, budget = -1 } = reasoning
  if (effort === undefined && budget > 0) return { enable_thinking: true, thinking_budget: budget }
  const wanted = requestedEffort(reasoning)
  if (wanted === undefined) return {}
  const step = chooseEffort(wanted, supportedEfforts(dialect.reasoningEfforts), losses)
  return step === 'none' ? { enable_thinking: false } : { enable_thinking: true, thinking_budget: budgets[step] }
}
