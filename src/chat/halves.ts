import type { Emit } from './events.js'

/**
 * Keeps a character whole that a model's tokens have cut between two pieces: half of one cannot be written in UTF-8.
 */
export function joinHalves(emit: Emit): Emit {
  let half = ''
  let halfOf = -1
  return (event) => {
    if (half && 'index' in event && event.index === halfOf) {
      const text = half
      half = ''
      if (event.type === 'delta') return joinHalvesOf({ ...event, text: text + event.text })
      emit({ type: 'delta', index: event.index, text })
    }
    if (event.type === 'delta') joinHalvesOf(event)
    else emit(event)
  }

  function joinHalvesOf(event: { readonly type: 'delta'; readonly index: number; readonly text: string }): void {
    const { text, index } = event
    const last = text.charCodeAt(text.length - 1)
    if (last < 0xd800 || last > 0xdbff) return emit(event)
    half = text.slice(-1)
    halfOf = index
    if (text.length > 1) emit({ type: 'delta', index, text: text.slice(0, -1) })
  }
}
