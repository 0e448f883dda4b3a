import { budgets, efforts, supportedEfforts } from '../../../chat/effort.js'
import { chooseEffort, recordNoReasoning, requestedEffort } from '../../../chat/reasoning.js'
import type { ChatRequest, Reasoning } from '../../../chat/request.js'
import type { ReasoningField } from '../../dialect.js'
import type { Field } from '../../field.js'
import type { WriteOptions } from '../../protocol.js'

/**
 * Reads how much the model should reason, from the first of these fields: OpenAI's `reasoning_effort`, OpenRouter's
 * `reasoning`, DeepSeek's and Kimi's `thinking`, or Qwen's `enable_thinking` and `thinking_budget`.
 */
export function readReasoningSettings(body: Field): Reasoning | undefined {
  const effort = body.get('reasoning_effort')
  if (effort.given) return { effort: effort.oneOf(efforts) }
  const reasoning = body.get('reasoning')
  if (reasoning.given) return readReasoningField(reasoning)
  const thinking = body.get('thinking')
  if (thinking.given) return readThinkingField(thinking)
  if (body.get('enable_thinking').maybeBoolean() === false) return { effort: 'none' }
  const budget = body.get('thinking_budget').maybeInteger()
  return budget === undefined ? undefined : { budget }
}

function readReasoningField(field: Field): Reasoning {
  field.object()
  const effort = field.get('effort')
  const budget = field.get('max_tokens').maybeInteger()
  const isExcluded = field.get('exclude').maybeBoolean()
  const isOff = field.get('enabled').maybeBoolean() === false
  return {
    effort: isOff ? 'none' : effort.given ? effort.oneOf(efforts) : undefined,
    budget: isOff ? undefined : budget,
    visible: isExcluded === undefined ? undefined : !isExcluded,
  }
}

function readThinkingField(field: Field): Reasoning | undefined {
  field.object()
  if (field.get('type').text() === 'disabled') return { effort: 'none' }
  const budget = field.get('budget_tokens').maybeInteger()
  return budget === undefined ? undefined : { budget }
}

/** Writes how much to reason, in the field that the upstream reads, and as near as it supports. */
export function writeReasoningSettings({ reasoning = {} }: ChatRequest, options: WriteOptions): object {
  const { dialect, losses } = options
  if (dialect.reasoning === 'none') {
    recordNoReasoning(reasoning, losses)
    return {}
  }
  return WRITERS[dialect.reasoningField ?? 'reasoning_effort'](reasoning, options)
}

const WRITERS: Readonly<Record<ReasoningField, (reasoning: Reasoning, options: WriteOptions) => object>> = {
  reasoning_effort: writeEffort,
  reasoning: writeReasoningField,
  thinking: writeThinkingField,
  enable_thinking: writeEnableThinking,
}

function writeEffort(reasoning: Reasoning, { dialect, losses }: WriteOptions): object {
  const requested = requestedEffort(reasoning)
  return requested === undefined
    ? {}
    : { reasoning_effort: chooseEffort(requested, supportedEfforts(dialect.reasoningEfforts), losses) }
}

function writeReasoningField({ effort, budget = -1, visible }: Reasoning, { dialect, losses }: WriteOptions): object {
  const amount =
    effort === undefined
      ? budget >= 0 && (budget === 0 ? { effort: 'none' } : { max_tokens: budget })
      : { effort: chooseEffort(effort, supportedEfforts(dialect.reasoningEfforts), losses) }
  const exclusion = visible === false && { exclude: true }
  return amount || exclusion ? { reasoning: { ...amount, ...exclusion } } : {}
}

/** Writes the switch `thinking`, and the effort where the upstream supports both. */
function writeThinkingField(reasoning: Reasoning, options: WriteOptions): object {
  const requested = requestedEffort(reasoning)
  if (requested === undefined) return {}
  const { reasoningEfforts: supported } = options.dialect
  const isOff = requested === 'none' && (!supported || supported.includes('none'))
  if (isOff) return { thinking: { type: 'disabled' } }
  return { thinking: { type: 'enabled' }, ...(supported && writeEffort(reasoning, options)) }
}

function writeEnableThinking(reasoning: Reasoning, { dialect, losses }: WriteOptions): object {
  const { effort, budget = -1 } = reasoning
  if (effort === undefined && budget > 0) return { enable_thinking: true, thinking_budget: budget }
  const requested = requestedEffort(reasoning)
  if (requested === undefined) return {}
  const chosen = chooseEffort(requested, supportedEfforts(dialect.reasoningEfforts), losses)
  return chosen === 'none' ? { enable_thinking: false } : { enable_thinking: true, thinking_budget: budgets[chosen] }
}
