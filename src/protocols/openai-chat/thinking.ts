import { declareUnreasoned, efforts, stepsOf, takenEffort, wantedEffort } from '../../chat/effort.js'
import type { ChatRequest, Reasoning } from '../../chat/request.js'
import type { Field } from '../field.js'
import type { Writing } from '../protocol.js'

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

/** `reasoning_effort`, as near as the place takes it. */
export function writeReasoning({ reasoning = {} }: ChatRequest, { dialect, losses }: Writing): object {
  if (dialect.reasoning === 'none') {
    declareUnreasoned(reasoning, losses)
    return {}
  }
  const wanted = wantedEffort(reasoning)
  return wanted === undefined ? {} : { reasoning_effort: takenEffort(wanted, stepsOf(dialect.efforts), losses) }
}
