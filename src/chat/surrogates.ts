import type { Emit } from './events.js'

/** Joins surrogate pairs that a model's tokens have split between two deltas: UTF-8 cannot encode half a pair. */
export function joinSurrogates(emit: Emit): Emit {
  /** By block: a high surrogate that waits for its low surrogate. */
  const halves = new Map<number, string>()
  return (event) => {
    const half = halves.size > 0 && 'index' in event ? (halves.get(event.index) ?? '') : ''
    if (event.type === 'delta') {
      const text = half + event.text
      const last = text.charCodeAt(text.length - 1)
      const isCut = last >= 0xd800 && last <= 0xdbff
      if (half) halves.delete(event.index)
      if (!isCut) return emit(half ? { ...event, text } : event)
      halves.set(event.index, text.slice(-1))
      if (text.length > 1) emit({ ...event, text: text.slice(0, -1) })
      return
    }
    if (half && event.type === 'stop') {
      halves.delete(event.index)
      emit({ type: 'delta', index: event.index, text: half })
    }
    emit(event)
  }
}
