import type { ChatAnswer, Choice } from './answer.js'
import type { ChatEvent } from './events.js'

/** Whether an answer is a refusal, or was filtered. One such choice makes it so. */
export function isRefused({ choices }: ChatAnswer): boolean {
  return choices.some(isRefusal)
}

function isRefusal({ blocks, finish: { reason } }: Choice): boolean {
  return reason === 'refusal' || reason === 'filter' || blocks.some(({ type }) => type === 'refusal')
}

/** The same, of what a stream tells. */
export function isRefusalEvent(event: ChatEvent): boolean {
  if (event.type === 'finish') return event.finish.reason === 'refusal' || event.finish.reason === 'filter'
  return event.type === 'block' && event.block.type === 'refusal'
}
