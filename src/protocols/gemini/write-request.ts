import type { ChatRequest, Turn } from '../../chat/request.js'
import { withRaw } from '../../lib/json.js'
import type { Writing } from '../protocol.js'
import { ownFields } from './spelling.js'
import { writeContents } from './write-contents.js'
import { writeSettings } from './write-settings.js'
import { writeChoice, writeTools } from './write-tools.js'

/** A `generateContent` request. @throws {RelayError} for what can neither be said nor left out */
export function writeRequest(request: ChatRequest, writing: Writing): string {
  const { losses } = writing
  losses.foreign(request.native)
  if (request.verbosity !== undefined) losses.unsayable('verbosity')
  if (request.metadata !== undefined) losses.unsayable('metadata')
  const system = request.turns.filter(({ role }) => role === 'system')
  const others = request.turns.filter(({ role }) => role !== 'system')
  // There is no conversation of a system text alone: it is then what the user says.
  const isAlone = others.length === 0
  const body = {
    systemInstruction: isAlone ? undefined : writeSystem(system, writing),
    tools: writeTools(request, writing),
    toolConfig: writeChoice(request, writing),
    ...ownFields(request.native),
    serviceTier: tier(request, writing),
    generationConfig: writeSettings(request, writing),
  }
  return withRaw(body, 'contents', writeContents(isAlone ? system : others, writing))
}

/** All system text, in its order: there is one place for it. */
function writeSystem(turns: readonly Turn[], { losses }: Writing): object | undefined {
  const parts: object[] = []
  for (const turn of turns) {
    losses.foreign(turn.native, turn.at)
    for (const block of turn.blocks) {
      losses.foreign(block.native, block.at)
      if (block.type !== 'text') losses.unsayable(block.at ?? 'system')
      else if (block.text !== '') parts.push({ text: block.text })
    }
  }
  return parts.length > 0 ? { parts } : undefined
}

const TIERS = new Map([
  ['default', 'standard'],
  ['standard', 'standard'],
  ['standard_only', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['auto', undefined],
])

function tier({ serviceTier }: ChatRequest, { losses }: Writing): string | undefined {
  if (serviceTier === undefined) return undefined
  if (!TIERS.has(serviceTier)) losses.unsayable('service_tier')
  return TIERS.get(serviceTier)
}
