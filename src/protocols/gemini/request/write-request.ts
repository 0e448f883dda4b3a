import { recordCitations } from '../../../chat/losses.js'
import type { ChatRequest, Setting, Turn } from '../../../chat/request.js'
import { recordSettings } from '../../../chat/settings.js'
import { withRaw } from '../../../lib/json.js'
import type { WriteOptions } from '../../protocol.js'
import { nativeFieldsOf } from '../field-names.js'
import { writeContents } from './write-contents.js'
import { writeSettings } from './write-settings.js'
import { writeChoice, writeTools } from './write-tools.js'

/** Settings that the protocol can express. */
const SUPPORTED_SETTINGS: ReadonlySet<Setting> = new Set([
  ...(['toolChoice', 'maxOutputTokens', 'temperature', 'topP', 'topK', 'frequencyPenalty', 'presencePenalty'] as const),
  ...(['seed', 'stop', 'choices', 'logprobs', 'format', 'reasoning', 'modalities', 'serviceTier'] as const),
])

/** Writes a `generateContent` request. @throws {RelayError} for what the protocol can neither express nor leave out */
export function writeRequest(request: ChatRequest, options: WriteOptions): string {
  recordSettings(request, SUPPORTED_SETTINGS, options.losses)
  recordCitations(request.turns, () => false, options.losses)
  const system = request.turns.filter(({ role }) => role === 'system')
  const others = request.turns.filter(({ role }) => role !== 'system')
  // Gemini refuses requests without contents, so a lone system text becomes the user's.
  const isAlone = others.length === 0
  const body = {
    systemInstruction: isAlone ? undefined : writeSystem(system, options),
    tools: writeTools(request, options),
    toolConfig: writeChoice(request),
    ...nativeFieldsOf(request.native),
    serviceTier: tier(request, options),
    generationConfig: writeSettings(request, options),
  }
  return withRaw(body, 'contents', writeContents(isAlone ? system : others, options))
}

/** Joins all system text in order, because the protocol has one field for it. */
function writeSystem(turns: readonly Turn[], { losses }: WriteOptions): object | undefined {
  const parts: object[] = []
  for (const turn of turns) {
    for (const block of turn.blocks) {
      if (block.type !== 'text') losses.noEquivalent(block.at ?? 'system')
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

function tier({ serviceTier }: ChatRequest, { losses }: WriteOptions): string | undefined {
  if (serviceTier === undefined) return undefined
  if (!TIERS.has(serviceTier)) losses.setting('serviceTier')
  return TIERS.get(serviceTier)
}
