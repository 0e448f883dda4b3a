import { type Effort, efforts } from '../../../chat/effort.js'
import type { Reasoning } from '../../../chat/request.js'
import type { Field } from '../../field.js'

/** Reads `thinking` and `output_config.effort`. A budget of -1 lets the model choose. */
export function readReasoning(request: Field): Reasoning | undefined {
  const thinking = request.get('thinking')
  const effort = readEffort(request.get('output_config').get('effort'))
  if (!thinking.given) return effort && { effort }
  thinking.object()
  const type = thinking.get('type').oneOf(['enabled', 'adaptive', 'between_tools', 'disabled'])
  if (type === 'disabled') return { effort: 'none' }
  const visible = readDisplay(thinking.get('display'))
  if (type !== 'enabled') return { effort, budget: effort ? undefined : -1, visible }
  const budget = thinking.get('budget_tokens')
  return { effort, budget: budget.maybeInteger() ?? budget.number(), visible }
}

function readEffort(field: Field): Effort | undefined {
  return field.given ? field.oneOf(efforts) : undefined
}

function readDisplay(field: Field): boolean | undefined {
  return field.given ? field.oneOf(['summarized', 'omitted']) === 'summarized' : undefined
}
