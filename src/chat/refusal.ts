import type { ChatAnswer, Choice } from './answer.js'
import type { ChatEvent } from './events.js'

/** Whether the model refused, or a filter stopped it, in at least one choice. */
export function isRefused({ choices }: ChatAnswer): boolean {
  return choices.some(isRefusal)
}

function isRefusal({ blocks, finish: { reason } }: Choice): boolean {
  return reason === 'refusal' || reason === 'filter' || blocks.some(({ type }) => type === 'refusal')
}

/** Whether a stream's event shows a refusal or a filter. */
export function isRefusalEvent(event: ChatEvent): boolean {
  if (event.type === 'finish') return event.finish.reason === 'refusal' || event.finish.reason === 'filter'
  return event.type === 'block' && event.block.type === 'refusal'
}
